"""Blocking work beside the event loop, in a thread that nobody waits for at the end.

A client that waits for a silent server cannot be interrupted; the threads of ``asyncio.to_thread`` would keep the
process until its time-out. What such a thread still finds after the end, the closed ledger refuses.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """The result of ``work``, or its error."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if future.done():  # cancelled meanwhile
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # of type T where there is no error

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work(*args, **options)
        except BaseException as caught:  # noqa: BLE001 - raised by whoever awaits
            error = caught
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, daemon=True, name=getattr(work, "__name__", "blocking")).start()
    return await future
