"""Every server the service leans on goes away for a minute, one after another; nothing accepted is lost.

Prometheus, Alertmanager and PostgreSQL are real, Grafana is the lab's, and each is reached through Toxiproxy. An outage
has two halves: in the first connections are refused, as from a process that is down; in the second they are accepted
and never answered, as from a host that has vanished behind a load balancer. Notifications go on all the while.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import msgspec

from brain_lab.bench import estate
from brain_lab.bench.figures import Bar, Progress, exactly
from brain_lab.bench.service import Service
from brain_lab.bench.sink import AnnotationSink
from brain_lab.bench.steady import Book, settle, stream
from brain_lab.replay.blocks import write_blocks
from brain_lab.servers.alertmanager import Alertmanager
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.toxiproxy import Proxy, Toxiproxy

SERVERS: Final = ("grafana", "prometheus", "alertmanager", "postgres")
LONGEST: Final = 600.0  # seconds of one outage
_SERVICES: Final = 20
_RECORDED: Final = 7200.0  # seconds of evidence before the bench
_AHEAD: Final = 3600.0  # and after its start: the recording goes on while servers come and go
_FAULT: Final = 300.0  # seconds before the bench that the fault began
_SENDERS: Final = 4
_RATE: Final = 8.0  # notifications a second
_BETWEEN: Final = 5.0  # seconds of normal operation before each outage
_PATIENCE: Final = 240.0  # seconds to catch up
_FAILURES: Final = (
    "brain_rca_publish_failures_total{",
    'brain_rca_analyses_total{result="failed"}',
    'brain_rca_groups_received_total{outcome="busy"}',
)


class OutageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        outage_seconds: Each server was away for.
        accepted: Notifications answered 200.
        retried: By server that was away: answers that were 5xx or lost; sent again.
        incidents: The accepted notifications were about.
        failures: By server that was away: failed attempts in the service's own metrics meanwhile.
        catch_up_seconds: By server: from its return until all that was accepted by then was analysed and told.
        lost: Incidents of which something answered 200 is missing, not analysed or not told in the end.
        doubled: Annotations, and BrainRootCause alerts, beyond the first of an incident.
        restarts: Of the service; it must live through all of it.
        bars: What is good enough.
    """

    bench: str = "outage"
    outage_seconds: float
    accepted: int
    retried: dict[str, int]
    incidents: int
    failures: dict[str, int]
    catch_up_seconds: dict[str, float]
    lost: int
    doubled: int
    restarts: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class _World:
    """The service and all around it."""

    service: Service
    sink: AnnotationSink
    alertmanager: Alertmanager
    proxies: dict[str, Proxy]
    about: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Outage:
    """What one outage did."""

    retried: int
    failures: int
    catch_up_seconds: float


def run(seconds: float, progress: Progress, servers: Sequence[str] = SERVERS) -> OutageFigures:
    """Take each of ``servers`` away for ``seconds``, one after another.

    Raises:
        ServerMissing: A server is not on this machine.
        ValueError: ``seconds`` is out of bounds.
    """
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"seconds must be 1 to {LONGEST:.0f}")
    with ExitStack() as stack:
        world = _start(stack, progress)
        return asyncio.run(_measure(world, seconds, servers, progress))


def _start(stack: ExitStack, progress: Progress) -> _World:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="brain-bench-")))
    now = time.time() // estate.SCRAPE_SECONDS * estate.SCRAPE_SECONDS
    system = estate.build(_SERVICES, now + _AHEAD, _RECORDED + _AHEAD, _FAULT + _AHEAD)
    (folder / "prometheus" / "tsdb").mkdir(parents=True)
    write_blocks(system.series, system.times, folder / "prometheus" / "tsdb", lambda *_: None)
    progress("starting Prometheus, Alertmanager, PostgreSQL and Toxiproxy")
    sink = stack.enter_context(AnnotationSink())
    prometheus = stack.enter_context(Prometheus(data_dir=folder / "prometheus"))
    alertmanager = stack.enter_context(Alertmanager(data_dir=folder / "alertmanager"))
    postgres = stack.enter_context(
        Postgres(data_dir=Path(stack.enter_context(TemporaryDirectory(prefix="brain-postgres-"))))
    )
    database = postgres.create_database("brain")
    toxiproxy = stack.enter_context(Toxiproxy(data_dir=folder / "toxiproxy"))
    upstreams = {
        "grafana": sink.url.removeprefix("http://"),
        "prometheus": prometheus.address,
        "alertmanager": alertmanager.address,
        "postgres": postgres.address,
    }
    proxies = {name: toxiproxy.create(name, upstream) for name, upstream in upstreams.items()}
    dsn = database.replace(postgres.address, proxies["postgres"].address)
    service = stack.enter_context(Service(data_dir=folder, config=_config(proxies, dsn)))
    about = {"namespace": estate.NAMESPACE, "service": system.victims[0]}
    return _World(service, sink, alertmanager, proxies, about)


def _config(proxies: dict[str, Proxy], dsn: str) -> dict[str, Any]:
    return {
        "store": {"postgres": dsn},
        "intake": {"debounce_seconds": 1.0, "cooldown_seconds": 5.0},
        "evidence": {"prometheus": {"url": proxies["prometheus"].url}},
        "publish": {
            "grafana": {"http": {"url": proxies["grafana"].url}},
            "alertmanager": {"peers": [{"url": proxies["alertmanager"].url}]},
        },
        "log_level": "WARNING",
    }


async def _measure(world: _World, seconds: float, servers: Sequence[str], progress: Progress) -> OutageFigures:
    book, outages, pid = Book(), dict[str, _Outage](), world.service.pid
    async with stream(world.service.address, world.about, book, _SENDERS, _RATE):
        for name in servers:
            await asyncio.sleep(_BETWEEN)
            progress(f"{name} goes away for {seconds:.0f} s")
            outages[name] = await _without(world, name, seconds, book)
            progress(f"{name}: caught up {outages[name].catch_up_seconds:.1f} s after its return")
    lost = (await settle(world.service, book.promised, _PATIENCE)).undone + book.refused
    doubled = world.sink.doubled() + _doubled_alerts(world.alertmanager.url)
    restarts = int(world.service.process.pid != pid)
    return OutageFigures(
        outage_seconds=seconds,
        accepted=book.accepted,
        retried={name: one.retried for name, one in outages.items()},
        incidents=len(book.promised),
        failures={name: one.failures for name, one in outages.items()},
        catch_up_seconds={name: one.catch_up_seconds for name, one in outages.items()},
        lost=lost,
        doubled=doubled,
        restarts=restarts,
        bars=[exactly("lost", lost, 0), exactly("doubled", doubled, 0), exactly("restarts", restarts, 0)],
    )


async def _without(world: _World, name: str, seconds: float, book: Book) -> _Outage:
    retried, failures = book.retried, await asyncio.to_thread(_failures, world.service)
    proxy = world.proxies[name]
    proxy.disable()
    await asyncio.sleep(seconds / 2)
    with proxy.add_toxic("timeout", timeout=0):
        proxy.enable()
        await asyncio.sleep(seconds / 2)
    caught_up = await settle(world.service, dict(book.promised), _PATIENCE)
    meanwhile = await asyncio.to_thread(_failures, world.service) - failures
    return _Outage(book.retried - retried, meanwhile, caught_up.seconds)


def _failures(service: Service) -> int:
    """Of judgements, deliveries and notifications, as the service counts them itself."""
    with service.client() as client:
        lines = client.get("/metrics").raise_for_status().text.splitlines()
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(_FAILURES)))


def _doubled_alerts(url: str) -> int:
    """Alerts beyond the first of a group; every group here has one incident."""
    alerts = httpx.get(f"{url}/api/v2/alerts", trust_env=False, timeout=30).raise_for_status().json()
    of_group = Counter(alert["labels"].get("group", "") for alert in alerts)
    return of_group.total() - len(of_group)
