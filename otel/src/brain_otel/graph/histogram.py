"""Durations in buckets, with a span as the example of each bucket.

Plain lists, because a call of ``prometheus_client`` for each span would cost more than all else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class Moment:
    """What all series share: the time, in seconds since the epoch, and which scrape comes next."""

    now: float
    scrape: int = 0


class Example(NamedTuple):
    """A span that fell into a bucket; the first after each scrape is kept, which is as good as any and costs least."""

    scrape: int
    trace_id: bytes
    span_id: bytes
    seconds: float
    at: float


class Histogram:
    """Counts by upper bound.

    Attributes:
        bounds: Upper bounds, in seconds, ascending; one more bucket has none.
        buckets: Counts, not cumulated.
        seconds: Sum.
        examples: By bucket.
    """

    __slots__ = ("bounds", "buckets", "examples", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.seconds = 0.0
        self.examples: dict[int, Example] = {}

    def add(self, seconds: float, trace_id: bytes, span_id: bytes, moment: Moment) -> None:
        """Count one."""
        place = bisect_left(self.bounds, seconds)
        self.buckets[place] += 1
        self.seconds += seconds
        known = self.examples.get(place)
        if known is None or known[0] != moment.scrape:
            self.examples[place] = Example(moment.scrape, trace_id, span_id, seconds, moment.now)

    @property
    def count(self) -> int:
        """How many."""
        return sum(self.buckets)


def quantile(share: float, bounds: Sequence[float], buckets: Sequence[int]) -> float | None:
    """As Prometheus' ``histogram_quantile``: linear within a bucket; beyond the last bound, that bound.

    Args:
        share: In [0, 1].
        bounds: Upper bounds, in seconds.
        buckets: Counts, one more than bounds.

    Returns:
        Seconds; None where nothing was counted.
    """
    rank, below, lower = share * sum(buckets), 0, 0.0
    if not sum(buckets):
        return None
    for bound, count in zip(bounds, buckets, strict=False):
        if count and below + count >= rank:
            return lower + (bound - lower) * (rank - below) / count
        below, lower = below + count, bound
    return lower
