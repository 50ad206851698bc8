"""Makes TSDB blocks of a replayed case with promtool.

promtool reads its whole input again for each two hours of it, so it gets the two hours of one block at a
time: the work then grows with the length of the replay, not with its square.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from brain_common.errors import PermanentError
from brain_lab.recorded.model import Array
from brain_lab.replay.openmetrics import write_openmetrics
from brain_lab.replay.series import PromSeries
from brain_lab.servers.binaries import find

Progress = Callable[[int, int], None]
"""Called with (blocks written, blocks in all)."""

BLOCK_SECONDS: Final = 7200
"""Prometheus' smallest block; aligned to multiples of it since the epoch."""

PROMTOOL_TIMEOUT: Final = 120.0
"""Seconds for one block; it takes about a tenth of a second."""


def write_blocks(series: Sequence[PromSeries], times: Array, into: Path, progress: Progress) -> int:
    """Write all samples as blocks directly into the folder; returns how many samples.

    The blocks appear only when all of them have been made.

    Raises:
        ServerMissing: promtool is not on this machine; the message says how to get it.
        PermanentError: promtool refused.
    """
    promtool = find("promtool")
    ranges = list(_block_ranges(times))
    written = 0
    with TemporaryDirectory(prefix=".replay-", dir=into) as name:
        work, made = Path(name), Path(name) / "blocks"
        made.mkdir()
        for done, (first, last) in enumerate(ranges):
            progress(done, len(ranges))
            with (work / "samples.txt").open("w", encoding="utf-8") as out:
                written += write_openmetrics(out, series, times, first, last)
            _make_block(promtool, work / "samples.txt", made)
        for block in made.iterdir():
            block.rename(into / block.name)
    progress(len(ranges), len(ranges))
    return written


def _block_ranges(times: Array) -> Iterator[tuple[int, int]]:
    starts = np.flatnonzero(np.diff(times // BLOCK_SECONDS, prepend=-1.0)).tolist()
    return zip(starts, [*starts[1:], len(times)], strict=True)


def _make_block(promtool: Path, samples: Path, into: Path) -> None:
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(samples), str(into)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PROMTOOL_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PermanentError(f"{promtool} could not make a block: {error}") from error
    if done.returncode != 0:
        raise PermanentError(f"{promtool} could not make a block: {done.stderr.strip()[-2000:]}")
