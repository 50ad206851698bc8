"""Spans and lines of a day of Nezha: those of an incident, and those of the rest of the day to compare it with.

Traces were kept in the minutes around each fault, from a minute before it, and in three minutes of the fault-free
phase. Of an incident's comparison everything counts that is not near it, other faults too, as in production nobody
takes those out either: no list of faults is asked. A trace counts as a whole, and each once.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from brain_lab.recorded.flow import Flow
from brain_lab.recorded.spans import ServiceOf, read_flow

NEAR: Final = 1860.0
"""Seconds before and after the incident that it is not compared with: in the half hour before an alert the product
looks for the onset already, and what follows may still be the same trouble."""

LONGEST_GAP: Final = 10.0
"""Seconds between two traces laid side by side; longer ones were not recorded."""

Span = tuple[float, float]
"""From when until when, in seconds since the epoch."""


@lru_cache(maxsize=2)
def flow_of_day(root: Path, day: str, service_of: ServiceOf) -> Flow | None:
    """All of a day, remembered, as all cases of the day are cut from it; None where the folder has no traces.

    Raises:
        InputError: A file is damaged.
    """
    folders = [root / part / day for part in ("construct_data", "rca_data")]
    spans, lines = (
        [path for folder in folders for path in sorted((folder / kind).glob(f"*_{kind}.csv*"))]
        for kind in ("trace", "log")
    )
    return read_flow(spans, lines, service_of) if spans else None


def incident_of(day: Flow, incident: Span, start: float) -> Flow:
    """The traces that began in the incident, moved so that it starts at ``start``."""
    first, _ = day.extents()
    return day.moved((first >= incident[0]) & (first < incident[1]), np.full(len(first), start - incident[0]))


def reference(day: Flow, incident: Span, end: float, *, past_only: bool) -> Flow:
    """The traces of the rest of the day, side by side, those after the incident in front of those before it.

    Args:
        day: All traces.
        incident: Left out with all that is ``NEAR``.
        end: When the incident begins, on the clock of the normal period; the last trace begins ``NEAR`` before.
        past_only: Without those after it.
    """
    first, last = day.extents()
    after = (first >= incident[1] + NEAR) & (not past_only)
    far = np.isfinite(first) & ((last <= incident[0] - NEAR) | after)
    traces = np.flatnonzero(far)
    order = traces[np.lexsort((first[traces], first[traces] < incident[0]))]
    gaps = np.diff(first[order])
    gaps = np.where((gaps < 0.0) | (gaps > LONGEST_GAP), LONGEST_GAP, gaps)
    began = np.concatenate([[0.0], np.cumsum(gaps)])[: len(order)]
    shift = np.zeros(len(first))
    shift[order] = end - NEAR - began.max(initial=0.0) + began - first[order]
    return day.moved(far, shift)
