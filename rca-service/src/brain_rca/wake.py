"""Signals between the stages of one process, so that fresh work starts at once instead of at the next poll.

Losing one costs a second, never work: the queues are in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

POLL_SECONDS = 1.0


class Wake:
    """One event per queue, and listeners of every change."""

    def __init__(self) -> None:
        self.analyses = asyncio.Event()
        self._on_analysed: list[Callable[[], None]] = []
        self._changed = asyncio.Condition()

    def on_analysed(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` after each judgement and each closing."""
        self._on_analysed.append(callback)

    async def analysed(self) -> None:
        """An incident has news for sinks and watchers."""
        for callback in self._on_analysed:
            callback()
        async with self._changed:
            self._changed.notify_all()

    async def wait_changed(self, seconds: float) -> None:
        """Return at the next change, or after ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait()


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until ``event`` is set (it is cleared), at most ``seconds``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
