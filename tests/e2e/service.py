"""The whole service inside the test's process, on a thread of its own, as a user would have configured it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from brain_common.settings import check_settings
from brain_rca.config import RcaSettings
from brain_rca.service import Running, running

T = TypeVar("T")


@contextmanager
def service(config: Mapping[str, Any]) -> Iterator[Running]:
    """Run it while the block does."""
    settings = check_settings(dict(config), RcaSettings, "test")
    started: list[Running] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        async with running(settings) as service:
            started.append(service)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        except BaseException as error:  # noqa: BLE001 - shown by the test itself
            failed.append(error)
        finally:
            ready.set()
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(30)
    try:
        if failed or not started:
            raise AssertionError("the service did not start") from (failed[0] if failed else None)
        yield started[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)


def until(what: str, look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first answer of ``look`` that is not None or empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def analysed(url: str) -> list[dict[str, Any]]:
    """Incidents whose judgement is done, with their analysis."""
    listed = httpx.get(f"{url}/incidents.json", timeout=10).json()["incidents"]
    whole = [httpx.get(f"{url}/incidents/{one['id']}.json", timeout=10).json() for one in listed]
    return [incident for incident in whole if incident["analysis_state"] == "done"]
