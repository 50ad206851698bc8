"""The metrics of a run on disk: blocks for a Prometheus, or OpenMetrics text where there is no promtool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brain_lab.emit import metrics
from brain_lab.recorded.model import Array
from brain_lab.replay.blocks import Progress, write_blocks
from brain_lab.replay.openmetrics import write_openmetrics
from brain_lab.replay.series import PromSeries
from brain_lab.servers.binaries import find
from brain_lab.servers.errors import ServerMissing
from brain_lab.simulate import Recording


@dataclass(frozen=True, slots=True)
class Samples:
    """All series of a run.

    Attributes:
        series: Those of one metric next to each other.
        times: [R] of their samples, seconds since the epoch.
    """

    series: Sequence[PromSeries]
    times: Array

    def until(self, moment: float) -> Samples:
        """The samples up to a moment; the series keep their later values, which nothing reads beyond the times."""
        return Samples(self.series, self.times[self.times <= moment])


def samples_of(recording: Recording) -> Samples:
    """All samples that Prometheus would have scraped."""
    series = sorted(metrics.series(recording), key=lambda one: one.metric)
    return Samples(series, metrics.scrape_times(recording))


def write_tsdb(samples: Samples, tsdb: Path, progress: Progress) -> int:
    """Write blocks; returns how many samples.

    Raises:
        ServerMissing: There is no promtool.
        PermanentError: promtool refused.
    """
    tsdb.mkdir(parents=True, exist_ok=True)
    return write_blocks(samples.series, samples.times, tsdb, progress)


def write_text(samples: Samples, path: Path) -> int:
    """Write OpenMetrics text with time stamps, for `promtool tsdb create-blocks-from openmetrics`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        return write_openmetrics(out, samples.series, samples.times, 0, len(samples.times))


def has_promtool() -> bool:
    """Whether blocks can be made here."""
    try:
        find("promtool")
    except ServerMissing:
        return False
    return True
