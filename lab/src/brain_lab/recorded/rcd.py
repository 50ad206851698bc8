"""RCD's Sock Shop: one table of a normal and one of an anomalous period per case, a row a second.

Layout: `<service>-<fault>/<repetition>/{normal,anomalous}.csv`. Latencies are seconds: the quantiles of an
idle service read 0.0025, 0.0045 and 0.00495, which is a histogram's first bucket of 5 ms interpolated.
The two periods of a case were recorded days apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brain_lab.recorded.columns import PERIODS, load_periods
from brain_lab.recorded.loader import checked_id, folders_with_any
from brain_lab.recorded.model import Measure, RecordedCase

_SUFFIXES: Final = {
    "_cpu": Measure.CPU,
    "_mem": Measure.MEMORY,
    "_lod": Measure.REQUEST_RATE,
    "_err": Measure.ERROR_RATIO,
    "_lat_50": Measure.LATENCY_P50,
    "_lat_90": Measure.LATENCY_P90,
    "_lat_99": Measure.LATENCY_P99,
}


class Rcd:
    """The loader."""

    def cases(self, root: Path) -> tuple[str, ...]:
        return folders_with_any(root, "*-*/*", PERIODS)

    def load(self, root: Path, case_id: str) -> RecordedCase:
        return load_periods(root / checked_id(case_id, self.cases(root), root), _SUFFIXES)
