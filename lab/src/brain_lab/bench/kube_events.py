"""What the exporter of Kubernetes events sustains, and what a kill -9 at any moment costs it: nothing.

The exporter is ``brain exporter kube-events`` in a process of its own, before a load (``bench.kube_api``) in another.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import httpx
from deltalake import DeltaTable

from brain_common.errors import TemporaryError
from brain_lab.bench.figures import Progress
from brain_lab.bench.usage import cpu_seconds, peak_rss_bytes
from brain_lab.servers.binaries import find, runnable
from brain_lab.servers.kubeconfig import write_kubeconfig
from brain_lab.servers.server import HOST, HttpServer

MEMORY: Final[Mapping[str, str]] = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Environment that keeps allocators from holding on to memory for each thread; the documentation advises it."""

_SCRAPES: Final = 3
_SERIES: Final = "kube_events_total{"
_LONGEST_LIFE: Final = 3.0  # seconds from the first answer until killed
_PATIENCE: Final = 300.0  # seconds to catch up with the load


@dataclass(kw_only=True)
class Load(HttpServer):
    """A running ``bench.kube_api``."""

    program: ClassVar[str] = "kube-api-load"
    ready_path: ClassVar[str] = "/version-now"

    objects: int
    rate: float
    total: int

    def version(self) -> int:
        """Happenings so far."""
        return int(httpx.get(f"{self.url}/version-now", trust_env=False, timeout=30).text)

    def _command(self, port: int) -> list[str]:
        arguments = [str(port), str(self.objects), str(self.rate), str(self.total)]
        return [sys.executable, "-m", "brain_lab.bench.kube_api", *arguments]


@dataclass(kw_only=True)
class Exporter(HttpServer):
    """A running exporter."""

    program: ClassVar[str] = "brain"
    ready_path: ClassVar[str] = "/-/healthy"

    config: Mapping[str, Any]

    @property
    def executable(self) -> Path:
        """The ``brain`` of this very environment, where there is one."""
        beside = Path(sys.executable).with_name(self.program)
        return self.binary or (beside if runnable(beside) else find(self.program))

    def scrape(self) -> tuple[float, int, float]:
        """Seconds that it took, series of events, and their sum."""
        began = time.perf_counter()
        text = httpx.get(f"{self.url}/metrics", trust_env=False, timeout=60).text
        seconds = time.perf_counter() - began
        values = [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(_SERIES)]
        return seconds, len(values), sum(values)

    def _environ(self) -> Mapping[str, str]:
        return {**os.environ, **MEMORY}

    def _command(self, port: int) -> list[str]:
        file = self.data_dir / "config.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({"http": {"host": HOST, "port": port}, **self.config}), encoding="utf-8")
        return [str(self.executable), "exporter", "kube-events", "--config", str(file)]


@contextmanager
def _bench(objects: int, rate: float, total: int, with_lake: bool = True) -> Iterator[tuple[Load, Exporter, Path]]:
    """The load runs, the exporter is ready to be started; and the folder of the lake."""
    with TemporaryDirectory(prefix="brain-bench-") as name:
        folder = Path(name)
        with Load(data_dir=folder / "load", objects=objects, rate=rate, total=total) as load:
            file = folder / "kubeconfig"
            write_kubeconfig(file, url=load.url, ca_file=folder / "none", user="bench", token="bench")  # noqa: S106
            config = {
                "client": {"kubeconfig": str(file)},
                "state": str(folder / "state"),
                "lake": {"path": str(folder / "lake")},
                "initial": "count",
                "objects": None,
                "max_series": 200_000,
                "batch_events": 2_000,
                "log_level": "WARNING",
            }
            if not with_lake:
                del config["lake"]
            exporter = Exporter(data_dir=folder / "exporter", config=config)
            try:
                yield load, exporter, folder / "lake"
            finally:
                exporter.stop()


def run_kube_events(
    progress: Progress,
    *,
    rate: float = 5_000,
    seconds: float = 60,
    live: int = 100_000,
    scraped: int = 50_000,
    with_lake: bool = True,
) -> dict[str, Any]:
    """Measure under load.

    Args:
        progress: Told what goes on.
        rate: Events a second, each a happening more of one of the live objects.
        seconds: How long, once the exporter has listed what there is.
        live: Event objects, each a series of its own.
        scraped: Series of the exporter whose scrape is timed.
        with_lake: Whether the events go to a lake too.

    Returns:
        ``events_per_second`` handled by one second of CPU time; ``behind_seconds`` of the load at its
        end; ``kube_rss_bytes`` at the peak, with ``live`` series and a scrape every 15 s; ``scrape_seconds``, the
        slowest of three under the same load with ``scraped`` series, of which ``scraped_series`` were seen.
    """
    progress(f"{rate:g} events/s, {live} series, {seconds:g} s")
    with _bench(live, rate, sys.maxsize, with_lake) as (load, exporter, _):
        exporter.start()
        _catch_up(load, exporter, rate)
        began, used = load.version(), cpu_seconds(exporter.pid)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(15.0, max(end - time.monotonic(), 0.0)))
            happened = load.version()
            _, series, counted = exporter.scrape()
        behind = max(happened - counted, 0.0) / rate
        handled, used = load.version() - began, cpu_seconds(exporter.pid) - used
        rss = peak_rss_bytes(exporter.pid)
    progress(f"scrapes of {scraped} series")
    with _bench(scraped, rate, sys.maxsize, with_lake) as (load, exporter, _):
        exporter.start()
        _catch_up(load, exporter, rate)
        scrapes = [exporter.scrape() for _ in range(_SCRAPES)]
    return {
        "events_per_second": handled / used,
        "behind_seconds": behind,
        "live_series": series,
        "kube_rss_bytes": rss,
        "scrape_seconds": max(each[0] for each in scrapes),
        "scraped_series": scrapes[-1][1],
    }


def run_kube_events_crash(
    progress: Progress, *, kills: int = 50, rate: float = 1_000, objects: int = 2_000, seed: int = 7
) -> dict[str, Any]:
    """Kill the exporter at random moments under load, and compare with what an uninterrupted run has.

    Returns:
        ``kills``; ``happenings``, the truth; ``lost`` and ``repeated``, of counters and of rows of the lake together.

    Raises:
        TemporaryError: It did not catch up in time.
    """
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    total = objects + int(rate * kills * _LONGEST_LIFE / 2)
    with _bench(objects, rate, total) as (load, exporter, lake):
        for number in range(1, kills + 1):
            exporter.start()
            time.sleep(moments.uniform(0.0, _LONGEST_LIFE))
            exporter.process.kill()
            progress(f"kill {number} of {kills}")
        exporter.start()
        deadline = time.monotonic() + _PATIENCE
        while load.version() < total or exporter.scrape()[2] < total:
            if time.monotonic() > deadline:
                raise TemporaryError(f"{exporter.scrape()[2]:g} of {total} happenings after {_PATIENCE:g} s")
            time.sleep(1.0)
        counted = int(exporter.scrape()[2])
        exporter.stop()
        lost, repeated = _compare(lake, objects, total)
    return {
        "kills": kills,
        "happenings": total,
        "lost": lost + max(total - counted, 0),
        "repeated": repeated + max(counted - total, 0),
    }


def _compare(lake: Path, objects: int, total: int) -> tuple[int, int]:
    """Happenings that rows of the lake lack, and those they have more than once, object by object."""
    rows = DeltaTable(str(lake / "events")).to_pyarrow_table(columns=["event_uid", "count"])
    had = dict.fromkeys(range(objects), 0)
    for uid, count in zip(rows.column("event_uid").to_pylist(), rows.column("count").to_pylist(), strict=True):
        had[int(uid[:8])] += count
    want = {uid: (total - 1 - uid) // objects + 1 for uid in range(objects)}
    lost = sum(max(want[uid] - had[uid], 0) for uid in want)
    return lost, sum(max(had[uid] - want[uid], 0) for uid in want)


def _catch_up(load: Load, exporter: Exporter, rate: float) -> None:
    """Until it is no more than two seconds behind the load."""
    deadline = time.monotonic() + _PATIENCE
    while load.version() - exporter.scrape()[2] > 2 * rate:
        if time.monotonic() > deadline:
            raise TemporaryError(f"the exporter does not keep up with {rate:g} events/s")
        time.sleep(2.0)
