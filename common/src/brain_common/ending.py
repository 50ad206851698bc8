"""How a process that serves learns that it is to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal


async def until_told() -> None:
    """Return on SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, told.set)
    await told.wait()
