"""Composition of an exporter: every part built once, started in order, stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from brain_common.clock import Clock, SystemClock
from brain_common.serving.exposition import encode
from brain_common.serving.metrics_app import metrics_app
from brain_common.serving.web import check_web, serving_web
from brain_exporters.runtime.config import ExporterSettings
from brain_exporters.runtime.exporter import Context, Exporter, ExporterKind
from brain_exporters.runtime.health import Health
from brain_exporters.runtime.ledger import Ledger
from brain_exporters.runtime.metrics import registry
from brain_exporters.runtime.state import State
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_lake.writer import open_writer

_log = logging.getLogger(__name__)
LAKE = "lake"  # name of the lake among the sources


@dataclass(frozen=True, slots=True)
class Running:
    """An exporter that runs."""

    url: str
    exporter: Exporter
    context: Context
    failed: asyncio.Task[None]  # ends only by an error, which is then the process's


def check(settings: ExporterSettings) -> None:
    """What can be known to be wrong without asking a source and without touching the state file.

    Raises:
        ConfigError: Something is.
    """
    check_web(settings.http, "http")


@contextlib.asynccontextmanager
async def running(kind: ExporterKind, settings: ExporterSettings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run an exporter while the block does.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; it did not start.
    """
    clock = clock or SystemClock()
    check(settings)
    async with contextlib.AsyncExitStack() as stack:
        context = _context(kind, settings, clock)
        stack.callback(context.ledger.close)
        exporter = kind.build(settings, context)
        routes = exporter.routes()
        own = frozenset(route.path for route in routes if isinstance(route, Route))
        app = _app(kind, exporter, context, routes)
        url = await stack.enter_async_context(serving_web(app, settings.http, own=own))
        tasks = await stack.enter_async_context(_working(exporter, context, settings, kind.lake_seconds))
        _log.info("%s: listening: %s", kind.name, url)
        yield Running(url, exporter, context, tasks)


def _context(kind: ExporterKind, settings: ExporterSettings, clock: Clock) -> Context:
    lake = open_writer(settings.lake) if settings.lake is not None else None
    sources = [*kind.sources(settings), *([LAKE] if lake else [])]
    state = State(settings.state)
    ledger = Ledger(
        state,
        kind.counters(settings) if callable(kind.counters) else kind.counters,
        lake,
        max_series=settings.max_series,
        backlog_bytes=settings.lake_backlog_bytes,
    )
    return Context(ledger, Health(kind.prefix, sources, clock), clock)


def _app(kind: ExporterKind, exporter: Exporter, context: Context, routes: Sequence[BaseRoute]) -> ASGIApp:
    made = registry(kind.prefix, exporter, context)
    return metrics_app(
        kind.title, context.health, lambda accept: encode(accept, made, context.ledger.counters()), routes
    )


@contextlib.asynccontextmanager
async def _working(
    exporter: Exporter, context: Context, settings: ExporterSettings, lake_seconds: float
) -> AsyncIterator[asyncio.Task[None]]:
    """The tasks; the one that is yielded ends when any of them does."""
    tasks = [asyncio.create_task(exporter.run(), name="exporter")]
    if settings.lake is not None:
        tasks.append(asyncio.create_task(context.ledger.run(context.health.telling(LAKE), lake_seconds), name="lake"))
        tasks.append(asyncio.create_task(_keep_lake(settings.lake, settings.lake_upkeep), name="upkeep"))
    watch = asyncio.create_task(_first_end(tasks), name="watch")
    try:
        yield watch
    finally:
        for task in (watch, *tasks):
            task.cancel()
        await asyncio.gather(watch, *tasks, return_exceptions=True)


async def _keep_lake(lake: LakeSettings, settings: UpkeepSettings) -> None:
    """Begins after the first pause: what it needs takes memory and a second to load."""
    await asyncio.sleep(settings.interval_seconds)
    from brain_lake.upkeep import open_upkeep

    await open_upkeep(lake, settings).run()


async def _first_end(tasks: list[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
