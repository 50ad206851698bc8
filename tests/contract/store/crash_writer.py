"""A process to be killed: fills a SQLite store without end and prints every id it was given an answer for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from brain_common.clock import SystemClock
from brain_rca.store.sqlite import SqliteStore
from tests.contract.store.samples import alert, notification


async def fill(store: SqliteStore, lane: int) -> None:
    number = 0
    while True:
        name = f"{lane}-{number}"
        acceptance = await store.accept(notification(alert(name), key=name))
        print(acceptance.incident_id, flush=True)
        number += 1


async def main(path: Path) -> None:
    store = SqliteStore(path, 60.0, SystemClock())
    await store.open()
    await asyncio.gather(*(fill(store, lane) for lane in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
