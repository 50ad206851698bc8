"""RCAEval's cases in their windowed form: one table before and one after the injection, a row a second.

Layout: `<system>/<service>_<fault>_<n>/{normal,anomalous}.csv`. A plain `_latency` column is the 90th percentile: where
every request falls into Istio's bucket of 1 to 5 ms it reads 0.0046 s, which is 1 ms + 0.9 * 4 ms. Some
tables have no time column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brain_common.errors import InputError
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
        found = folders_with_any(root, "*/*", PERIODS)
        for case_id in found:
            injected(root, case_id)
        return found

    def load(self, root: Path, case_id: str) -> RecordedCase:
        return load_periods(root / checked_id(case_id, self.cases(root), root), _SUFFIXES)


def injected(root: Path, case_id: str) -> tuple[str, str]:
    """Service and fault, which the name of a case tells: for scoring, and to know cases of another data set.

    Raises:
        InputError: It does not.
    """
    parts = case_id.split("/")[1].rsplit("_", 2)
    if len(parts) != 3:
        raise InputError(f"{root}: case {case_id!r} is not named <service>_<fault>_<n>")
    return parts[0], parts[1]
