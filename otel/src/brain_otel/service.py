"""Composition of the processor: every part built once, started in order, stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain_common.clock import Clock, SystemClock
from brain_common.errors import ConfigError
from brain_common.serving.auth import Authenticator
from brain_common.serving.http import serving
from brain_common.serving.tls import LiveTls
from brain_common.serving.web import check_web
from brain_otel.config import HttpSettings, OtelSettings
from brain_otel.enrich.kind import Context
from brain_otel.face import own_registry, serving_face
from brain_otel.graph.observer import SpanObserver
from brain_otel.lake_copy.copying import Copying, copying
from brain_otel.observe import Observer
from brain_otel.pipeline import Pipeline
from brain_otel.reach import Reach
from brain_otel.side.installed import check_lake
from brain_otel.steps import Steps, build_steps
from brain_otel.wire.admission import admitting
from brain_otel.wire.check import check_wire
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


def check(settings: OtelSettings) -> None:
    """What can be known to be wrong without listening and without asking anybody.

    Raises:
        ConfigError: Something is.
    """
    _build_steps(settings, Context(settings.cluster, SystemClock(), own_registry()))
    check_lake(settings)
    check_wire(settings)
    check_web(settings.metrics, "metrics")


@contextlib.asynccontextmanager
async def running(
    settings: OtelSettings, clock: Clock | None = None, side: Path | None = None
) -> AsyncIterator[Running]:
    """Run a processor while the block does.

    Args:
        settings: Its ports are those of this process.
        clock: Time.
        side: Socket of the side process, where there is one.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; it did not start.
    """
    registry = own_registry()
    context = Context(settings.cluster, clock or SystemClock(), registry)
    steps = _build_steps(settings, context)
    reach = Reach(settings.next_hop.endpoint)
    context.background.append(("reach", reach.run))
    async with contextlib.AsyncExitStack() as stack:
        wire = WireMetrics(registry)
        budget = await stack.enter_async_context(admitting(settings.memory_limit_bytes))
        wire.budget(lambda: budget.taken, lambda: budget.capacity)
        next_hop = (GrpcNextHop if settings.next_hop.protocol == "grpc" else HttpNextHop)(settings.next_hop, wire)
        stack.push_async_callback(next_hop.close)
        copy = await stack.enter_async_context(copying(settings.lake_copy, context, side)) if side else None
        observers = _observers(settings, context, copy)
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
        metrics_url = await stack.enter_async_context(serving_face(registry, settings.metrics, reach))
        grpc_port = await stack.enter_async_context(serving_grpc(receiver, settings.otlp.grpc))
        http_port = await stack.enter_async_context(_serving_http(receiver, settings.otlp.http))
        _log.info("listening for OTLP/gRPC on %s:%d; metrics at %s", settings.otlp.grpc.host, grpc_port, metrics_url)
        steps_in_order = ", ".join(name for entry in settings.enrich for name in entry) or "none"
        _log.info("next hop: %s (%s); steps: %s", settings.next_hop.address, settings.next_hop.protocol, steps_in_order)
        yield Running(grpc_port, http_port, metrics_url, failed)


def _build_steps(settings: OtelSettings, context: Context) -> Steps:
    steps = build_steps(settings, context)
    if settings.lake is None and context.snapshots.wanted:
        raise ConfigError(f"lake: a step of enrich reads {', '.join(context.snapshots.wanted)} of it; say where it is")
    return steps


def _observers(settings: OtelSettings, context: Context, copy: Copying | None) -> list[Observer]:
    graph = settings.service_graph
    of_spans = [SpanObserver(graph, context, copy.edges if copy else None)] if graph.enabled else []
    return [*of_spans, *(copy.observers if copy else ())]


@contextlib.asynccontextmanager
async def _serving_http(receiver: Receiver, settings: HttpSettings | None) -> AsyncIterator[int | None]:
    if settings is None:
        yield None
        return
    context = LiveTls(settings.tls, "otlp.http.tls").context() if settings.tls else None
    async with serving(otlp_app(receiver), settings, "otlp.http", context=context) as port:
        _log.info("listening for OTLP/HTTP on %s:%d", settings.host, port)
        yield port


async def run_worker(
    settings: OtelSettings,
    ready: Callable[[], None],
    told: Callable[[], Coroutine[Any, Any, None]],
    side: Path | None,
) -> None:
    """Run a processor until told to end, or a background task fails.

    Args:
        settings: Its ports are those of this process.
        ready: Called when it listens.
        told: Makes what ends when it is time to end.
        side: Socket of the side process, where there is one.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; it did not start.
    """
    async with running(settings, side=side) as started:
        ready()
        ending = asyncio.create_task(told())
        await asyncio.wait([ending, started.failed], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if started.failed.done():
            started.failed.result()


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
