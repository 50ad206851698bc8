"""Questions asked at the same time, of which those that are late are given up: the one way of all sources."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def late_of(tasks: Collection[asyncio.Task[Any]], seconds: float) -> frozenset[asyncio.Task[Any]]:
    """Wait until all tasks end or ``seconds`` are over; those that had to be given up.

    Whatever ends the waiting, no task runs on. What the others found or raised is theirs to tell.
    """
    if not tasks:
        return frozenset()
    try:
        _, late = await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return frozenset(late)
