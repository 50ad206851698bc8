"""Composition of the processor: every part built once, started in order, stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from brain_common.clock import Clock, SystemClock
from brain_common.serving.auth import Authenticator
from brain_common.serving.http import serving
from brain_common.serving.tls import LiveTls
from brain_otel.config import HttpSettings, OtelSettings
from brain_otel.enrich.kind import Context
from brain_otel.graph.observer import SpanObserver
from brain_otel.observe import Observer
from brain_otel.pipeline import Pipeline
from brain_otel.steps import build_steps
from brain_otel.wire.admission import admitting
from brain_otel.wire.grpc_server import serving_grpc
from brain_otel.wire.http_server import otlp_app
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.next_hop_grpc import GrpcNextHop
from brain_otel.wire.next_hop_http import HttpNextHop
from brain_otel.wire.receiver import Receiver
from brain_otel.wire.refusal import Refusals
from brain_otel.wire.turns import Turns

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A processor that runs.

    Attributes:
        grpc_port: Of OTLP/gRPC.
        http_port: Of OTLP/HTTP; None: nobody listens.
        metrics_url: Of its own metrics.
        failed: Ends only by an error of a background task, which is then the process's.
    """

    grpc_port: int
    http_port: int | None
    metrics_url: str
    failed: asyncio.Future[None]


@contextlib.asynccontextmanager
async def running(settings: OtelSettings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run a processor while the block does.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; it did not start.
    """
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    context = Context(settings.cluster, clock or SystemClock(), registry)
    steps = build_steps(settings, context)
    observers: list[Observer] = (
        [SpanObserver(settings.service_graph, context)] if settings.service_graph.enabled else []
    )
    async with contextlib.AsyncExitStack() as stack:
        wire = WireMetrics(registry)
        budget = await stack.enter_async_context(admitting(settings.memory_limit_bytes))
        wire.budget(lambda: budget.taken, lambda: budget.capacity)
        next_hop = (GrpcNextHop if settings.next_hop.protocol == "grpc" else HttpNextHop)(settings.next_hop, wire)
        stack.push_async_callback(next_hop.close)
        pipeline = Pipeline(steps, next_hop, observers, budget, wire)
        receiver = Receiver(
            pipeline=pipeline,
            authenticator=Authenticator(settings.otlp.callers),
            budget=budget,
            turns=Turns(budget, settings.otlp.max_request_bytes),
            metrics=wire,
            refusals=Refusals(),
            limit=settings.otlp.max_request_bytes,
        )
        failed = await stack.enter_async_context(_working(context))
        grpc_port = await stack.enter_async_context(serving_grpc(receiver, settings.otlp.grpc))
        http_port = await stack.enter_async_context(_serving_http(receiver, settings.otlp.http))
        port = await stack.enter_async_context(serving(_metrics(registry), settings.metrics, "metrics"))
        _log.info("listening for OTLP/gRPC on %s:%d", settings.otlp.grpc.host, grpc_port)
        yield Running(grpc_port, http_port, f"http://{settings.metrics.host}:{port}", failed)


@contextlib.asynccontextmanager
async def _serving_http(receiver: Receiver, settings: HttpSettings | None) -> AsyncIterator[int | None]:
    if settings is None:
        yield None
        return
    context = LiveTls(settings.tls, "otlp.http.tls").context() if settings.tls else None
    async with serving(otlp_app(receiver), settings, "otlp.http", context=context) as port:
        _log.info("listening for OTLP/HTTP on %s:%d", settings.host, port)
        yield port


def _metrics(registry: CollectorRegistry) -> Starlette:
    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)  # type: ignore[no-untyped-call]

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    return Starlette(routes=[Route("/metrics", metrics), Route("/-/healthy", healthy)])


@contextlib.asynccontextmanager
async def _working(context: Context) -> AsyncIterator[asyncio.Future[None]]:
    """The background tasks; the future that is yielded fails when any of them does."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and not failed.done():
            failed.set_exception(error)

    async def run(work: object) -> None:
        await work()  # type: ignore[operator]

    tasks = []
    for name, work in context.background:
        task = asyncio.create_task(run(work), name=name)
        task.add_done_callback(ended)
        tasks.append(task)
    try:
        yield failed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        failed.cancel()
