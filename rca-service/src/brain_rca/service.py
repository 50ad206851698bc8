"""Composition of the service: every part built once, started in order, stopped in reverse.

Apart from flag parsing, so that tests run the product in their own process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from starlette.applications import Starlette

from brain_common.clock import Clock, SystemClock
from brain_common.errors import ConfigError, TemporaryError
from brain_common.serving.auth import Authenticator
from brain_common.serving.http import serving
from brain_common.serving.tls import check_tls
from brain_engine.plugins import UnknownPluginError, load_detector, load_ranker
from brain_engine.rank.protocol import Ranker
from brain_rca.analysis.snapshot import Snapshots
from brain_rca.analysis.worker import AnalysisWorker, Analyst
from brain_rca.audit import AuditLog
from brain_rca.away import warn_of_absent
from brain_rca.config import RcaSettings, StoreSettings
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.protocol import EvidenceSource
from brain_rca.feedback.desk import FeedbackDesk
from brain_rca.fix.catalogue import load_catalogue as load_proposals
from brain_rca.http_app import build_app
from brain_rca.intake.webhook import Webhook
from brain_rca.metrics import Metrics
from brain_rca.page.feedback import FeedbackForms
from brain_rca.page.routes import page_routes
from brain_rca.publish.attempt import Attempt
from brain_rca.publish.config import build_links, build_sinks
from brain_rca.publish.sink import Sink
from brain_rca.publish.worker import DeliveryWorker
from brain_rca.store.protocol import Store
from brain_rca.upkeep import Upkeep
from brain_rca.wake import Wake

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A service that runs: where to reach it, and its parts for whoever embeds it."""

    url: str
    grpc_port: int | None
    store: Store


def build_store(settings: StoreSettings, cooldown_seconds: float, clock: Clock) -> Store:
    """The configured store, not opened yet."""
    if settings.sqlite is not None:
        from brain_rca.store.sqlite import SqliteStore

        return SqliteStore(settings.sqlite, cooldown_seconds, clock)
    from brain_rca.store.postgres import PostgresStore

    assert settings.postgres is not None
    return PostgresStore(settings.postgres.get_secret_value(), cooldown_seconds, clock)


def build_analyst(settings: RcaSettings, source: EvidenceSource, clock: Clock, ranker: Ranker | None = None) -> Analyst:
    """The judge of single incidents, also used without any store; by a given ranker, or the one of the settings.

    Raises:
        ConfigError: An entry point or a catalogue file is not there or wrong.
    """
    try:
        detector = load_detector(settings.analysis.detector)
        ranker = ranker or load_ranker(settings.analysis.ranker)
    except UnknownPluginError as error:
        raise ConfigError(f"analysis: {error}") from error
    proposals = load_proposals(settings.proposals)
    return Analyst(
        snapshots=Snapshots(source, detector),
        ranker=ranker,
        propose=proposals.propose,
        settings=settings.analysis,
        scope=settings.scope,
        cluster=settings.cluster,
        clock=clock,
        link_of=build_links(settings.publish),
    )


def check(settings: RcaSettings) -> None:
    """Build everything that needs no network, for ``--check-config``.

    Raises:
        ConfigError: An entry point, catalogue, template, TLS file or connection string is not there or wrong.
    """
    clock = SystemClock()
    for key, listen in (("http", settings.http), ("grpc", settings.grpc)):
        if listen is not None and listen.tls is not None:
            check_tls(listen.tls, f"{key}.tls")
    if settings.store.postgres is not None:
        _check_connection_string(settings.store.postgres.get_secret_value())
    build_analyst(settings, build_evidence(settings.evidence, settings.cluster, settings.scope.aliases), clock)
    build_sinks(settings.publish, "http://localhost", clock)


def _check_connection_string(dsn: str) -> None:
    import psycopg

    try:
        psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # without the words of the error: they may hold a part of the password
        raise ConfigError("store.postgres: the connection string is malformed") from None


@contextlib.asynccontextmanager
async def running(settings: RcaSettings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run the service while the block does; on leaving it, running work is finished or given back.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; the service did not start.
    """
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        store = build_store(settings.store, settings.intake.cooldown_seconds, clock)
        await _open(store)
        stack.push_async_callback(store.close)
        source = build_evidence(settings.evidence, settings.cluster, settings.scope.aliases)
        stack.push_async_callback(source.aclose)
        audit = AuditLog(store, writer_name(), clock, settings.audit.anchor_file)
        parts = _Parts(settings, store, clock, Metrics(_registry()), Wake(), audit)
        port = await stack.enter_async_context(serving(parts.app(), settings.http))
        url = parts.url(port)
        sinks = build_sinks(settings.publish, url, clock, settings.cluster)
        for sink in sinks:
            stack.push_async_callback(sink.aclose)
        grpc_port = await parts.start_grpc(stack)
        await stack.enter_async_context(parts.working(build_analyst(settings, source, clock), sinks))
        _log.info("listening: %s, gRPC port %s", url, grpc_port)
        absent = asyncio.create_task(warn_of_absent(settings.evidence), name="absent servers")
        stack.callback(absent.cancel)
        yield Running(url, grpc_port, store)


async def _open(store: Store) -> None:
    """Open the store; one that is away at start is a mistake in the configuration far more often than an outage."""
    try:
        await store.open()
    except TemporaryError as error:
        raise ConfigError(f"store: {error}") from error


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


@dataclass(frozen=True, slots=True)
class _Parts:
    """What most parts need."""

    settings: RcaSettings
    store: Store
    clock: Clock
    metrics: Metrics
    wake: Wake
    audit: AuditLog

    def app(self) -> Starlette:
        webhook = Webhook(self.store, self._authenticator(), self.settings.intake, self.clock, self.metrics, self.wake)
        own_host = (urlsplit(str(self.settings.external_url)).netloc if self.settings.external_url else "").lower()
        forms = FeedbackForms(self._desk(), self.settings.callers, own_host)
        pages = page_routes(self.store, forms=forms)
        return build_app([*webhook.routes(), *pages], self.store, self.metrics.registry)

    def url(self, port: int) -> str:
        if self.settings.external_url is not None:
            return str(self.settings.external_url).rstrip("/")
        scheme = "https" if self.settings.http.tls else "http"
        return f"{scheme}://{self.settings.http.host}:{port}"

    async def start_grpc(self, stack: contextlib.AsyncExitStack) -> int | None:
        if self.settings.grpc is None:
            return None
        from brain_rca.grpc_api.server import serving_grpc
        from brain_rca.grpc_api.servicer import RcaServicer

        servicer = RcaServicer(
            self.store, self._authenticator(), self.settings.intake, self.clock, self.metrics, self.wake, self._desk()
        )
        return await stack.enter_async_context(serving_grpc(servicer, self.settings.grpc))

    @contextlib.asynccontextmanager
    async def working(self, analyst: Analyst, sinks: Sequence[Sink]) -> AsyncIterator[None]:
        """The tasks that empty the queues."""
        names = [sink.name for sink in sinks]
        self.metrics.expect(names)
        analysis = AnalysisWorker(
            self.store, analyst, names, self.settings.analysis, self.clock, self.metrics, self.wake, self.audit
        )
        deliveries = [DeliveryWorker(self.store, sink, self.clock, self._observed) for sink in sinks]
        for worker in deliveries:
            self.wake.on_analysed(worker.wake)
        upkeep = Upkeep(
            self.store,
            self.metrics,
            self.clock,
            self.settings.store.retention_days,
            self.settings.intake.silence_seconds,
        )
        upkeep_task = asyncio.create_task(upkeep.run(), name="upkeep")
        tasks = [
            upkeep_task,
            asyncio.create_task(analysis.run(), name="analysis"),
            *(asyncio.create_task(worker.run(), name=worker.sink_name) for worker in deliveries),
        ]
        try:
            yield
        finally:
            upkeep_task.cancel()
            analysis.stop()
            for worker in deliveries:
                worker.stop()
            await _finish(tasks)

    def _desk(self) -> FeedbackDesk:
        return FeedbackDesk(self.store, self.audit, self.clock, self.wake)

    def _authenticator(self) -> Authenticator:
        return Authenticator(self.settings.callers)

    def _observed(self, attempt: Attempt) -> None:
        self.metrics.publish(attempt.sink, ok=not attempt.error)


async def _finish(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Give what is under way a moment, then cancel: what is left is durable and done by the next process."""
    _, pending = await asyncio.wait(tasks, timeout=2.0)
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def writer_name() -> str:
    """This process in the audit log: every start begins a chain of its own."""
    return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"
