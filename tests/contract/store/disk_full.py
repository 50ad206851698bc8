"""A process whose disk fills up, by a limit on the size of files: says how the store takes it."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from brain_common.clock import SystemClock
from brain_common.errors import TemporaryError
from brain_rca.store.sqlite import SqliteStore
from tests.contract.store.samples import alert, notification


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def fill(store: SqliteStore) -> int:
    """Accept until the disk is full; returns how many were acknowledged."""
    for number in range(10_000):
        try:
            await store.accept(notification(alert("x" * 2000), key=str(number)))
        except TemporaryError:
            return number
    raise SystemExit("the disk never filled up")


async def main(path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SqliteStore(path, 60.0, SystemClock())
    await store.open()
    limit(400_000)
    acknowledged = await fill(store)
    kept = len(await store.list(limit=1000))
    limit(resource.RLIM_INFINITY)
    await store.accept(notification(key="room again"))
    print(acknowledged, kept, len(await store.list(limit=1000)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
