"""How long the lab takes for an hour of its largest platform, on one core, and how much memory.

The hour is played and written by a process of its own, as `brain lab run finance --out` does it: 200 services, a sample
of every series each 15 s as Prometheus blocks, about 100,000 spans and 200,000 log lines. What promtool needs is
counted, too.
"""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from brain_lab.bench.figures import Bar, Progress, at_most
from brain_lab.run.folder import write_run
from brain_lab.run.request import Request, played

PLATFORM: Final = "finance"
FAULT: Final = "database-lock"
SECONDS: Final = 3600.0
ONSET: Final = 2700.0
START: Final = 1_789_376_400.0
"""Monday 14 September 2026, 09:00 UTC: the load of a forenoon, and the same work at each call."""

SECONDS_BAR: Final = 20.0
RSS_BAR: Final = 2**30


class LabFigures(msgspec.Struct, frozen=True):
    """What came out."""

    bench: str
    services: int
    series: int
    samples: int
    spans: int
    log_lines: int
    seconds: float  # on the clock, on one core
    cpu_seconds: float  # of the same: what a busy machine does not falsify
    rss_bytes: int  # at most, of Python and promtool together
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """What the process reports of itself."""

    services: int
    series: int
    samples: int
    spans: int
    lines: int
    seconds: float
    cpu_seconds: float
    rss_bytes: int


def run(seed: int, progress: Progress) -> LabFigures:
    """Measure one hour.

    Raises:
        ServerMissing: There is no promtool.
        PermanentError: It refused.
    """
    progress(f"an hour of {PLATFORM}, on one core")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_on_one_core) as pool:
        measured = pool.submit(_measured, seed).result()
    return LabFigures(
        bench="lab",
        services=measured.services,
        series=measured.series,
        samples=measured.samples,
        spans=measured.spans,
        log_lines=measured.lines,
        seconds=measured.seconds,
        cpu_seconds=measured.cpu_seconds,
        rss_bytes=measured.rss_bytes,
        bars=(
            at_most("seconds", measured.seconds, SECONDS_BAR),
            at_most("rss_bytes", float(measured.rss_bytes), float(RSS_BAR)),
        ),
    )


def _on_one_core() -> None:
    """Children inherit it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _measured(seed: int) -> _Run:
    request = Request(PLATFORM, FAULT, seed, START, SECONDS, ONSET)
    with TemporaryDirectory(prefix="brain-bench-lab-") as folder:
        began, used = time.perf_counter(), _cpu_seconds()
        recording = played(request)
        written = write_run(request, recording, Path(folder), lambda _line: None)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds() - used
    return _Run(
        services=len(recording.platform.services),
        series=written.series,
        samples=written.samples,
        spans=written.spans,
        lines=written.lines,
        seconds=seconds,
        cpu_seconds=cpu,
        rss_bytes=sum(resource.getrusage(who).ru_maxrss for who in _BOTH) * 1024,
    )


_BOTH: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _cpu_seconds() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _BOTH))
