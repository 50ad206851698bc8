"""The copy to the lake, put together: what observes, and where its rows go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge

from brain_otel.enrich.kind import Context
from brain_otel.graph.edges import EdgeLog
from brain_otel.lake_copy.config import LakeCopySettings
from brain_otel.lake_copy.edges import TABLE as EDGES
from brain_otel.lake_copy.edges import edge_rows
from brain_otel.lake_copy.logs import LogCopy
from brain_otel.lake_copy.traces import TraceCopy
from brain_otel.observe import Observer
from brain_otel.side.channel import Channel

_TICK: Final = 1.0  # seconds between two looks whether spans have waited long enough


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy that runs.

    Attributes:
        observers: Who has to be told of batches.
        edges: Takes edges of the service graph.
    """

    observers: Sequence[Observer]
    edges: EdgeLog


@contextlib.asynccontextmanager
async def copying(settings: LakeCopySettings, context: Context, socket: Path) -> AsyncIterator[Copying]:
    """Copy while the block runs.

    Args:
        settings: What is copied.
        context: Steps have subscribed to snapshots already.
        socket: Of the side process, which need not be there.
    """
    channel = Channel(socket, context.snapshots, settings.buffer_bytes, context.registry)
    observers: list[Observer] = []
    if settings.logs is not None:
        observers.append(LogCopy(settings.logs, context.cluster, context.clock, channel.put))
    async with channel.connected(), contextlib.AsyncExitStack() as stack:
        if settings.traces is not None:
            traces = _trace_copy(settings, context, channel)
            observers.append(traces)
            await stack.enter_async_context(_ticking(traces))
        yield Copying(observers, lambda edges: channel.put(EDGES, edge_rows(edges)))


def _trace_copy(settings: LakeCopySettings, context: Context, channel: Channel) -> TraceCopy:
    assert settings.traces is not None
    missed = Counter(
        "brain_otel_lake_traces_missed",
        "Traces that were wanted for the lake, but too many were.",
        registry=context.registry,
    )
    traces = TraceCopy(settings.traces, context.cluster, context.clock, channel.put, missed.inc)
    waiting = Gauge(
        "brain_otel_lake_trace_buffer_bytes", "Spans that wait for what their trace shows.", registry=context.registry
    )
    waiting.set_function(lambda: traces.size)
    return traces


@contextlib.asynccontextmanager
async def _ticking(traces: TraceCopy) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            traces.expire()

    task = asyncio.create_task(tick(), name="spans")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        traces.close()
