"""How much evidence a share can hold, given how many it is a share of.

A share is measured as if it were a level, but it is counted: where a thousand requests are answered in a moment and
none has failed for hours, a single failure is infinitely many scales away from the usual, and still but one failure. So
no share tells more than its counts do (``share_shift.py``).
"""

from __future__ import annotations

import numpy as np

from brain_engine.anomaly.share_shift import most_by_chance
from brain_engine.measured import measured
from brain_engine.series import Array, Evidence, Panel


def most_nats(evidence: Evidence, panel: Panel, counted: Panel | None) -> Array:
    """The most that each series of a panel may tell, in nats, [N]; infinite where nobody counts.

    Args:
        evidence: For its times.
        panel: Shares of what is counted.
        counted: How many a second; None where the panel is of no shares, or nobody counts.
    """
    most = np.full(len(panel.entities), np.inf)
    row_of = {entity: row for row, entity in enumerate(counted.entities)} if counted is not None else {}
    known = [row for row, entity in enumerate(panel.entities) if entity in row_of]
    if counted is not None and known:
        rate = counted.values[[row_of[panel.entities[row]] for row in known]]
        most[known] = _nats(evidence, panel.values[known], rate)
    return most


def _nats(evidence: Evidence, share: Array, rate: Array) -> Array:
    """Of what was counted, [N], by the share and how many there were a second, [N, T] each."""
    trials = np.nan_to_num(measured(rate)) * evidence.step
    hits = np.nan_to_num(measured(share)) * trials
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    return most_by_chance(hits, trials, split)
