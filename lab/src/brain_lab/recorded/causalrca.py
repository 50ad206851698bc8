"""CausalRCA's Sock Shop: one table per case, a row every five seconds, and nothing that says when the fault began.

Layout: `<fault>_<service>.csv` with columns `<service>_ctn_<metric>`. There is no second table and usually no time
column. The first third is taken for the normal period and the rest for the incident: the onset is looked for in it
anyway, and a later one would leave the product no fault to see, an earlier one no usual level to see it against.

Network bytes are left out: no signal of the product reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brain_common.errors import InputError
from brain_lab.recorded.columns import read_recording
from brain_lab.recorded.loader import checked_id
from brain_lab.recorded.model import Measure, RecordedCase, Recording
from brain_lab.recorded.table import native_step

STEP: Final = 5.0
"""Seconds between two rows, as its authors queried their Prometheus."""

NORMAL_SHARE: Final = 1 / 3

FEWEST_ROWS: Final = 6
"""Below, a third is no period."""

_SUFFIXES: Final = {
    "_ctn_latency": Measure.LATENCY_P99,
    "_ctn_cpu": Measure.CPU,
    "_ctn_mem": Measure.MEMORY,
    "_ctn_memory": Measure.MEMORY,
    "_ctn_write": Measure.DISK_WRITES,
    "_ctn_read": Measure.DISK_READS,
}


class CausalRca:
    """The loader."""

    def cases(self, root: Path) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in root.glob("*_*.csv")))

    def load(self, root: Path, case_id: str) -> RecordedCase:
        path = root / f"{checked_id(case_id, self.cases(root), root)}.csv"
        whole = read_recording(path, _SUFFIXES, STEP)
        if len(whole.times) < FEWEST_ROWS:
            raise InputError(f"{path}: {len(whole.times)} rows, at least {FEWEST_ROWS} are needed")
        split = round(len(whole.times) * NORMAL_SHARE)
        return RecordedCase(
            normal=_rows(whole, slice(None, split)),
            incident=_rows(whole, slice(split, None)),
            edges=(),
            target=None,
            step=native_step(whole.times, STEP),
        )


def _rows(recording: Recording, rows: slice) -> Recording:
    return Recording(recording.times[rows], {key: values[rows] for key, values in recording.values.items()})
