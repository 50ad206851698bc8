"""How Prometheus sees the recording: every 15 s, counters as running sums, now and then a scrape that fails.

Every metric draws its noise from a generator of its own, so that another metric changes none of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK, Array, Recording

SCRAPE_SECONDS: Final = 15.0
_MISSED: Final = 0.0015
"""Share of scrapes of a target that fail by themselves."""

_GAPS: Final = 0.02
"""Share of targets that miss three scrapes in a row, once."""

Labels = Mapping[str, str]
States = NDArray[np.float32] | NDArray[np.float64]


def scrape_rows(recording: Recording) -> NDArray[np.int64]:
    """[R] rows of the recording at which Prometheus scrapes."""
    step = int(SCRAPE_SECONDS / TICK)
    return np.arange(step - 1, len(recording.times), step, dtype=np.int64)


def scrape_times(recording: Recording) -> Array:
    """[R] seconds since the epoch of the samples of all series."""
    return recording.times[scrape_rows(recording)]


class Scrape:
    """Turns states into samples.

    Args:
        recording: What to scrape.
        missing: Whether scrapes may fail.
    """

    def __init__(self, recording: Recording, *, missing: bool = True) -> None:
        self.recording = recording
        self.rows = scrape_rows(recording)
        self._missing = missing
        self._gaps: dict[str, NDArray[np.int64]] = {}

    def rng(self, concern: str) -> np.random.Generator:
        """The generator of a concern, the same each time."""
        return np.random.default_rng([self.recording.seed, crc32(concern.encode())])

    def noisy(self, concern: str, values: States, spread: float) -> Array:
        """[T, n] or [R, n] values with independent relative noise."""
        return np.asarray(values * (1.0 + spread * self.rng(concern).standard_normal(values.shape)))

    def gauge(self, values: States) -> Array:
        """[R, n] of [T, n] as they are when scraped."""
        return values[self.rows].astype(np.float64)

    def counter(self, concern: str, rates: States, history: float = 86400.0) -> Array:
        """[R, n] running sums of [T, n] rates a second, which began some while before the recording."""
        started = self.rng(concern).uniform(0.1, 2.0, rates.shape[1]) * history
        sums = np.cumsum(rates, axis=0, dtype=np.float64) * TICK + started * np.mean(rates[:12], axis=0)
        return np.asarray(sums[self.rows])

    def count(self, concern: str, rates: States) -> Array:
        """[R, n] the same in whole numbers."""
        return np.floor(self.counter(concern, rates))

    def series(
        self,
        metric: str,
        values: Array,
        labels: Sequence[Labels],
        *,
        counter: bool = False,
        targets: Sequence[str] | None = None,
    ) -> Iterator[PromSeries]:
        """The columns as series.

        Args:
            metric: Its name.
            values: [R, n]; NaN for no sample.
            labels: Of each column.
            counter: Whether it only grows.
            targets: What is scraped for each column, so that all its metrics miss the same samples; None: nothing
                misses.
        """
        columns = np.ascontiguousarray(values.T)
        for n, (own, column) in enumerate(zip(labels, columns, strict=True)):
            if targets is not None and self._missing:
                column[self._lost(targets[n])] = np.nan
            if not np.isnan(column).all():
                yield PromSeries(metric, counter, own, column)

    def _lost(self, target: str) -> NDArray[np.int64]:
        if target not in self._gaps:
            rng = self.rng(f"scrape {target}")
            lost = np.flatnonzero(rng.random(len(self.rows)) < _MISSED)
            if rng.random() < _GAPS and len(self.rows) > 3:
                lost = np.union1d(lost, rng.integers(len(self.rows) - 3) + np.arange(3))
            self._gaps[target] = lost.astype(np.int64)
        return self._gaps[target]


def ever(values: Array) -> NDArray[np.int64]:
    """Columns that are above zero at any time: exporters show the others not at all."""
    return np.flatnonzero(np.any(values > 0.0, axis=0))
