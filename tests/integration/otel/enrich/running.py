"""The background tasks of a step, without a processor around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from brain_otel.enrich.kind import Context

_SOON = 20.0  # seconds; far more than anything here takes on a busy machine


@contextlib.asynccontextmanager
async def working(given: Context) -> AsyncIterator[None]:
    """Run them while the block does; one that ends by itself fails the test."""
    tasks = [asyncio.ensure_future(work()) for _, work in given.background]
    try:
        yield
        assert [task.exception() for task in tasks if task.done()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def heard(given: Context, name: str, least: float) -> None:
    """Wait until a metric of the steps' sources is as high as that."""
    async with asyncio.timeout(_SOON):
        while not any(  # noqa: ASYNC110 - a metric tells nobody
            sample.name == f"brain_otel_enricher_{name}" and sample.value >= least
            for family in given.registry.collect()
            for sample in family.samples
        ):
            await asyncio.sleep(0.01)
