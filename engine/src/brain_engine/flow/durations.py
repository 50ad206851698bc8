"""Spans that took longer than they used to: by their own work, or on the way between caller and called.

Self time (exclusive latency) is what remains of a span after the spans below it; parallel children count once. The
difference between the two ends of a call is what the network and the queues in front of the called one took; clocks
of different machines do not matter, since only durations are subtracted. Each duration is compared with those of
the same operation in the baseline; a few slow ones are usual, so what counts is how many are beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.tables import NOWHERE, Spans
from brain_engine.flow.visits import Rows, Visits

_USUAL_SHARE: Final = 0.95  # of the baseline that is not slow
_RATIO: Final = 1.5  # of the median, and
_SECONDS: Final = 0.002  # more than that: smaller changes are of no operational interest
_FEWEST: Final = 10  # in the baseline, below which no usual duration is claimed


@dataclass(frozen=True, slots=True)
class Durations:
    """D durations of things of a kind.

    Attributes:
        span: [D] row of the span.
        kind: [D] what is compared with each other: equal numbers.
        seconds: [D] how long.
        slow: [D] whether it is beyond what is usual.
        excess: [D] seconds beyond the usual, >= 0.
    """

    span: Rows
    kind: Rows
    seconds: NDArray[np.float64]
    slow: NDArray[np.bool_]
    excess: NDArray[np.float64]


def self_times(spans: Spans, visits: Visits, baseline: NDArray[np.bool_]) -> Durations:
    """Of all spans; ``baseline`` [S] says which are of the time before. One kind an entity and operation."""
    kind = spans.entity * max(len(spans.operations), 1) + spans.operation
    rows = np.arange(len(kind))
    return _compared(rows, kind, _exclusive(spans, visits.parent), baseline)


def on_the_way(spans: Spans, visits: Visits, baseline: NDArray[np.bool_]) -> Durations:
    """Of all calls between entities: rows are the called ones' spans. One kind a caller and called entity."""
    rows = np.flatnonzero(visits.caller != NOWHERE)
    above = visits.parent[rows]
    alone = np.bincount(above, minlength=len(spans.parent))[above] == 1  # or the caller's span is not about one call
    rows, above = rows[alone], above[alone]
    gap = _length(spans)[above] - _length(spans)[rows]
    kind = spans.entity[above] * len(spans.entities) + spans.entity[rows]
    return _compared(rows, kind, np.maximum(gap, 0.0), baseline[rows])


def _length(spans: Spans) -> NDArray[np.float64]:
    return np.maximum(spans.end - spans.start, 0.0)


def _exclusive(spans: Spans, parent: Rows) -> NDArray[np.float64]:
    """Length without the union of the children's intervals, each clipped to its parent."""
    length = _length(spans)
    rows = np.flatnonzero(parent != NOWHERE)
    above = parent[rows]
    begin = _begin(spans, rows, above, length)
    left = np.clip(begin, 0.0, length[above])
    right = np.clip(begin + length[rows], left, length[above])
    order = np.lexsort((left, above))
    above, left, right = above[order], left[order], right[order]
    covered = np.maximum(right - np.maximum(left, _reached(above, right)), 0.0)
    return np.maximum(length - np.bincount(above, covered, len(length)), 0.0)


def _begin(spans: Spans, rows: Rows, above: Rows, length: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds after its parent at which each span began.

    One of another entity that does not fit into its parent was timed by a clock that differs; it is put into the
    middle, as Jaeger does when it adjusts clock skew.
    """
    begin = spans.start[rows] - spans.start[above]
    outside = (begin < 0.0) | (begin + length[rows] > length[above])
    foreign = spans.entity[rows] != spans.entity[above]
    return np.where(outside & foreign, np.maximum(length[above] - length[rows], 0.0) / 2.0, begin)


def _reached(group: Rows, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the earlier rows of the same group reach; rows are sorted by group."""
    if not len(group):
        return right
    first = np.concatenate([[True], group[1:] != group[:-1]])
    step = np.cumsum(first) * (float(right.max()) + 1.0)  # so that a later group is beyond all earlier ones
    reached = np.maximum.accumulate(right + step) - step
    return np.where(first, 0.0, np.concatenate([[0.0], reached[:-1]])) if len(group) > 1 else np.zeros(1)


def _compared(span: Rows, kind: Rows, seconds: NDArray[np.float64], baseline: NDArray[np.bool_]) -> Durations:
    """Against quantiles of the same kind in the baseline; of a kind without a baseline nothing is slow."""
    known, index = np.unique(kind, return_inverse=True)
    index = np.ravel(index)
    order = np.lexsort((seconds, index))
    order = order[baseline[order]]
    count = np.bincount(index[order], minlength=len(known))
    first = np.cumsum(count) - count
    ordered = np.append(seconds[order], np.inf)
    enough = count >= _FEWEST

    def quantile(share: float) -> NDArray[np.float64]:
        place = first + np.floor(share * np.maximum(count - 1, 0)).astype(np.int64)
        return np.where(enough, ordered[place], np.inf)

    median = quantile(0.5)
    limit = np.maximum(quantile(_USUAL_SHARE), _RATIO * median + _SECONDS)[index]
    slow = seconds > limit
    excess = np.where(slow, seconds - np.where(enough, median, 0.0)[index], 0.0)
    return Durations(span, kind, seconds, slow, excess)
