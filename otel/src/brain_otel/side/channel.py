"""The worker's end of the way to the side process: rows out, snapshots in, neither of them waited for.

Rows are a copy: what does not fit the buffer, or has nobody to take it, is dropped and counted. Every row handed in is
counted once: as in the lake, as dropped for a reason, or it is still on its way.

A connection that ends soon counts as a failure like one that is refused: the next one is waited for twice as long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter as Tally
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from brain_common.errors import InputError
from brain_common.retry import pace
from brain_common.trouble import Trouble
from brain_otel.side.frames import Fate, Hello, LakeState, Message, Snapshot, frame, packed_rows, receive
from brain_otel.side.snapshots import Snapshots

_log = logging.getLogger(__name__)
_FIRST: Final = 0.4  # seconds until the second try to reach it, at most
_LONGEST: Final = 5.0  # seconds between two tries, at most
_LASTING: Final = 10.0  # seconds after which a connection was a good one
_LAST: Final = 5.0  # seconds that rows still on their way get at the end
Row = tuple[object, ...]


class Channel:
    """Connects, and connects again, to the side process.

    Args:
        path: Its socket.
        snapshots: Who wants what it reads.
        buffer_bytes: What may wait to be taken by it.
        registry: For its metrics.
        sleep: Waits between two tries; an argument so that tests need no time.
        jitter: Draws from [0, 1), so that workers do not come back together.
    """

    def __init__(
        self,
        path: Path,
        snapshots: Snapshots,
        buffer_bytes: int,
        registry: CollectorRegistry,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._path = path
        self._snapshots = snapshots
        self._buffer_bytes = buffer_bytes
        self._sleep = sleep
        self._jitter = jitter
        self._trouble = Trouble()
        self._writer: asyncio.StreamWriter | None = None
        self._under_way: Tally[str] = Tally()
        self._ending = False
        self._measure(registry)

    def _measure(self, registry: CollectorRegistry) -> None:
        self._rows = Counter("brain_otel_lake_rows", "Rows that came into the lake.", ["table"], registry=registry)
        self._dropped = Counter("brain_otel_lake_dropped", "Rows that did not.", ["table", "reason"], registry=registry)
        self._up = Gauge("brain_otel_side_up", "1 while the side process is connected.", registry=registry)
        self._lake_up = Gauge("brain_otel_lake_up", "1 when the lake took rows last time.", registry=registry)
        queue = Gauge("brain_otel_lake_queue_bytes", "Rows that wait for the side process.", registry=registry)
        queue.set_function(self._waiting)

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Hand rows over, in the event loop; returns at once.

        Args:
            table: Name of one of the lake.
            rows: In the order of its columns, times in microseconds.
        """
        writer = self._open()
        if writer is None:
            return self._drop(table, "side_away", len(rows))
        data = packed_rows(table, list(rows))
        if self._waiting() + len(data) > self._buffer_bytes:
            return self._drop(table, "buffer_full", len(rows))
        writer.write(data)
        self._under_way[table] += len(rows)
        return None

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep a connection while the block runs; what is on its way at the end gets there, in bounded time."""
        task = asyncio.create_task(self._keep(), name="channel")
        try:
            yield
        finally:
            self._ending = True
            if (writer := self._open()) is not None:
                writer.write_eof()  # the side process closes when it has read all
                await asyncio.wait([task], timeout=_LAST)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        clock, failures = asyncio.get_running_loop().time, 0
        while not self._ending:
            began = clock()
            await self._connect()
            failures = 1 if clock() - began >= _LASTING else failures + 1
            if not self._ending:
                await self._sleep(pace(failures, _FIRST, _LONGEST, self._jitter()))

    async def _connect(self) -> None:
        """One connection, from its beginning to its end; what is wrong is logged when it changes."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            if self._trouble.news(error):
                _log.info("the side process is not there: %s", error)  # it may not have started yet
            return
        try:
            await self._talk(reader, writer)
        except (OSError, ValueError) as error:
            if self._trouble.news(error) and not self._ending:
                _log.warning("the side process: %s", error)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear what it says until it ends the connection.

        Raises:
            OSError: It did so, or the connection broke.
            ValueError: It says what is no message.
        """
        writer.write(frame(Hello(dict(self._snapshots.wanted))))
        self._writer = writer
        self._up.set(1)
        try:
            while (message := await receive(reader)) is not None:
                if self._trouble.over():
                    _log.info("the side process is there again")
                self._take(message)
            raise ConnectionError("it ended the connection")
        finally:
            self._lost()
            writer.transport.abort()

    def _take(self, message: Message) -> None:
        match message:
            case Fate(table, count, ""):
                self._under_way[table] -= count
                self._rows.labels(table).inc(count)
            case Fate(table, count, reason):
                self._under_way[table] -= count
                self._drop(table, reason, count)
            case LakeState(up):
                self._lake_up.set(up)
            case Snapshot(name, data):
                self._deliver(name, data)

    def _deliver(self, name: str, data: bytes) -> None:
        try:
            self._snapshots.deliver(name, data)
        except InputError as error:
            _log.error("%s", error)

    def _lost(self) -> None:
        """Nobody will say what became of rows on their way: some may have come in."""
        self._writer = None
        self._up.set(0)
        self._lake_up.set(0)
        for table, count in self._under_way.items():
            if count:
                self._drop(table, "side_lost", count)
        self._under_way.clear()

    def _drop(self, table: str, reason: str, count: int) -> None:
        self._dropped.labels(table, reason).inc(count)

    def _waiting(self) -> int:
        writer = self._open()
        return 0 if writer is None else writer.transport.get_write_buffer_size()

    def _open(self) -> asyncio.StreamWriter | None:
        """Its end may not have been noticed yet."""
        return None if self._writer is None or self._writer.is_closing() else self._writer
