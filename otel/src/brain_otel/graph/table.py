"""Series by their labels, of which there are never more than so many: names of spans come from outside."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar


class Aging(Protocol):
    """A series that knows when it last changed, in seconds since the epoch."""

    touched: float


K = TypeVar("K", bound=Hashable)
S = TypeVar("S", bound=Aging)


class SeriesTable(Generic[K, S]):
    """Makes a series at the first question for it; beyond the limit, one series stands for all others.

    https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute

    Attributes:
        overflow: The one for all others; None while there was no need.
        overflowed: How often it was given out.
        expired: How many series were forgotten.
    """

    def __init__(self, make: Callable[[], S], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._series: dict[K, S] = {}
        self.overflow: S | None = None
        self.overflowed = 0
        self.expired = 0

    def get(self, key: K) -> S:
        """The series of these labels."""
        series = self._series.get(key)
        if series is None:
            series = self._new(key)
        return series

    def _new(self, key: K) -> S:
        if len(self._series) < self._limit:
            return self._series.setdefault(key, self._make())
        self.overflowed += 1
        if self.overflow is None:
            self.overflow = self._make()
        return self.overflow

    def expire(self, before: float) -> None:
        """Forget what has not changed since."""
        old = [key for key, series in self._series.items() if series.touched < before]
        for key in old:
            del self._series[key]
        self.expired += len(old)

    def items(self) -> Sequence[tuple[K, S]]:
        """Labels and series of now, without the overflow: a scrape's thread goes through them while others come."""
        return list(self._series.items())

    def __len__(self) -> int:
        return len(self._series)
