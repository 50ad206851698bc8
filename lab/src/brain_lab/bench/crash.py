"""kill -9 at random moments under intake: what was answered 200 is analysed and told, once.

Notifications go on all the while, as Alertmanager sends them: again when the answer is lost. The Grafana is a process
that does not die, so it sees every creation that a crash could have doubled. The moments are drawn from the first two
seconds of each life, in which what the last one left undone is taken up while the intake goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from brain_lab.bench.figures import Bar, Progress, exactly, quantiles
from brain_lab.bench.service import Service
from brain_lab.bench.shop import ABOUT, write_shop
from brain_lab.bench.sink import AnnotationSink
from brain_lab.bench.steady import Book, settle, stream
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.server import free_port

MOST_KILLS: Final = 1000
STORES: Final = ("sqlite", "postgres")
_LONGEST_LIFE: Final = 2.0  # seconds from ready until killed
_SENDERS: Final = 8
_RATE: Final = 60.0  # notifications a second
_PATIENCE: Final = 300.0  # seconds: leases of the last process end, and all is told


class CrashFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        store: Which one.
        kills: Times the service was killed.
        accepted: Notifications answered 200.
        retried: Answers lost, or 5xx; sent again.
        incidents: The accepted notifications were about.
        lost: Incidents of which something answered 200 is missing, not analysed or not told in the end.
        doubled: Annotations created beyond the first of an incident, whether or not removed again.
        start_seconds: From starting the process to its first answer: p50 and max.
        catch_up_seconds: From the last start until all was analysed and told.
        bars: What is good enough.
    """

    bench: str = "crash"
    store: str
    kills: int
    accepted: int
    retried: int
    incidents: int
    lost: int
    doubled: int
    start_seconds: dict[str, float]
    catch_up_seconds: float
    bars: list[Bar]


def run(kills: int, store: str, progress: Progress, seed: int = 7) -> CrashFigures:
    """Kill the service ``kills`` times.

    Args:
        kills: At most ``MOST_KILLS``.
        store: One of ``STORES``.
        progress: Told of every kill.
        seed: Of the moments.

    Raises:
        ServerMissing: PostgreSQL was asked for and is not on this machine.
        ValueError: No such number of kills, or no such store.
    """
    if not 1 <= kills <= MOST_KILLS or store not in STORES:
        raise ValueError(f"kills must be 1 to {MOST_KILLS}, store one of {', '.join(STORES)}")
    with (
        TemporaryDirectory(prefix="brain-bench-") as name,
        AnnotationSink() as sink,
        _store(Path(name), store) as where,
    ):
        write_shop(Path(name) / "lake")
        config = _config(Path(name), where, sink.url)
        with Service(data_dir=Path(name), config=config, port=free_port()) as service:
            return asyncio.run(_measure(service, sink, kills, store, random.Random(seed), progress))  # noqa: S311


@contextlib.contextmanager
def _store(folder: Path, kind: str) -> Iterator[dict[str, str]]:
    """The setting of the store, with its server around it where there is one."""
    if kind == "sqlite":
        yield {"sqlite": str(folder / "incidents.sqlite")}
        return
    with TemporaryDirectory(prefix="brain-postgres-") as data, Postgres(data_dir=Path(data)) as server:
        yield {"postgres": server.create_database("brain")}


def _config(folder: Path, store: dict[str, str], grafana: str) -> dict[str, Any]:
    """Judgements soon and often, so that a kill meets many."""
    return {
        "store": store,
        "intake": {"debounce_seconds": 0.5, "cooldown_seconds": 1.0},
        "evidence": {"lake": {"path": str(folder / "lake")}},
        "publish": {"grafana": {"http": {"url": grafana}}},
        "log_level": "WARNING",
    }


async def _measure(
    service: Service, sink: AnnotationSink, kills: int, store: str, moments: random.Random, progress: Progress
) -> CrashFigures:
    book, starts = Book(), []
    async with stream(service.address, ABOUT, book, _SENDERS, _RATE):
        for number in range(1, kills + 1):
            await asyncio.sleep(moments.uniform(0.0, _LONGEST_LIFE))
            service.kill()
            began = time.perf_counter()
            await asyncio.to_thread(service.start)
            starts.append(time.perf_counter() - began)
            progress(f"kill {number} of {kills}: {book.accepted} notifications accepted")
    progress("catching up")
    settlement = await settle(service, book.promised, _PATIENCE)
    lost, doubled = settlement.undone + book.refused, sink.doubled()
    taken = quantiles(starts, (50, 100))
    return CrashFigures(
        store=store,
        kills=kills,
        accepted=book.accepted,
        retried=book.retried,
        incidents=len(book.promised),
        lost=lost,
        doubled=doubled,
        start_seconds={"p50": taken["p50"], "max": taken["p100"]},
        catch_up_seconds=settlement.seconds,
        bars=[exactly("lost", lost, 0), exactly("doubled", doubled, 0)],
    )
