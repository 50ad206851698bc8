"""Which findings come at the right time to be the cause of the trouble, and how well times can be told at all.

A cause begins before its consequences, by not more than it takes to be felt. What begins long after the trouble is a
consequence (requests pile up, memory runs out, containers are killed); what began long before it has been there without
doing harm; what was over before it can only have left something behind. All are only weighed down: a leak takes its
time, queues outlast what filled them, and onsets are estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brain_engine.series import Evidence

_LATE_WEIGHT = 0.25
_EARLY_WEIGHT = 0.5
_EARLY_SECONDS = 600.0  # before the trouble: longer than retries, probes and autoscalers take to pass harm on
_OVER_WEIGHT = 0.25
_OVER_SECONDS = 300.0  # rules look back over minutes: an alert may fire on what has just passed
_STEPS = 2.0  # of the resolution: what an onset is uncertain by
_FEWEST_CHANGES = 8  # of all values together, to tell how often they change


@dataclass(frozen=True, slots=True)
class Timing:
    """When the trouble began.

    Attributes:
        trouble: Seconds since the epoch; None where it cannot be told.
        tolerance: Seconds within which two onsets are not told apart.
    """

    trouble: float | None
    tolerance: float

    def weight(self, onset: float | None, until: float | None) -> float:
        """Of a finding that began at ``onset`` and was over at ``until``, in (0, 1]."""
        if onset is None or self.trouble is None:
            return 1.0
        if self.was_over(until):
            return _OVER_WEIGHT
        if onset > self.trouble + self.tolerance:
            late = (onset - self.trouble - self.tolerance) / (2.0 * self.tolerance)
            return max(1.0 - (1.0 - _LATE_WEIGHT) * late, _LATE_WEIGHT)
        return _EARLY_WEIGHT if onset < self.trouble - self.tolerance - _EARLY_SECONDS else 1.0

    def was_over(self, until: float | None) -> bool:
        """Whether what ended at ``until`` was over well before the trouble; not what lasts, where it is None."""
        if until is None or self.trouble is None:
            return False
        return until < self.trouble - self.tolerance - _OVER_SECONDS


def tolerance_of(evidence: Evidence) -> float:
    """Seconds within which two onsets of the evidence are not told apart."""
    return _STEPS * resolution(evidence)


def resolution(evidence: Evidence) -> float:
    """How often values really change, in seconds: a signal that is measured every five minutes and read every minute
    stands still in between."""
    inside = evidence.times >= evidence.window_start
    changes = runs = 0
    for panel in evidence.panels:
        values = panel.values[:, inside]
        with np.errstate(invalid="ignore"):
            changed = values[:, 1:] != values[:, :-1]
        moving = changed.any(axis=1) & np.isfinite(values).all(axis=1)
        changes += int(changed[moving].sum())
        runs += int(changed[moving].size)
    return evidence.step * max(runs / changes, 1.0) if changes >= _FEWEST_CHANGES else evidence.step
