"""All series of a recording."""

from __future__ import annotations

from collections.abc import Iterator

from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Recording


def series(recording: Recording) -> Iterator[PromSeries]:
    """Every series that Prometheus would have scraped, those of one metric next to each other."""
    yield from ()
