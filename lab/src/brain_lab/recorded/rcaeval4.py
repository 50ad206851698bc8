"""RCAEval's cases in their windowed form: one table before and one after the injection, a row a second.

Layout: `<system>/<case>/{normal,anomalous}.csv`. A plain `_latency` column is the 90th percentile: where
every request falls into Istio's bucket of 1 to 5 ms it reads 0.0046 s, which is 1 ms + 0.9 * 4 ms. Some
tables have no time column.
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
    "_load": Measure.REQUEST_RATE,
    "_workload": Measure.REQUEST_RATE,
    "_error": Measure.ERROR_RATIO,
    "_latency": Measure.LATENCY_P90,
    "_latency-50": Measure.LATENCY_P50,
    "_latency-90": Measure.LATENCY_P90,
    "_latency-95": Measure.LATENCY_P95,
    "_latency-99": Measure.LATENCY_P99,
    "_diskio": Measure.DISK_WRITES,
    "_socket": Measure.SOCKETS,
}


class RcaEval4:
    """The loader."""

    def cases(self, root: Path) -> tuple[str, ...]:
        return folders_with_any(root, "*/*", PERIODS)

    def load(self, root: Path, case_id: str) -> RecordedCase:
        return load_periods(root / checked_id(case_id, self.cases(root), root), _SUFFIXES)
