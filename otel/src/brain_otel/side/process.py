"""The process beside the workers: the only one that loads the libraries of the lake.

Takes rows of workers and writes them, reads what steps want to know, and keeps the lake's tables small. Workers lose
nothing by its end but what it had taken and not written: it may be killed and started again at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from brain_common.clock import Clock, SystemClock
from brain_lake.location import LakeLocation
from brain_lake.schemas import EDGES, LOGS, SPANS
from brain_lake.upkeep import open_upkeep
from brain_lake.writer import open_writer
from brain_otel.config import OtelSettings
from brain_otel.side.backlog import Backlog
from brain_otel.side.copier import Copier
from brain_otel.side.frames import Hello, LakeState, Message, Rows, frame, receive
from brain_otel.side.readings import Readings

if TYPE_CHECKING:
    from brain_lake.reader import LakeReader

_log = logging.getLogger(__name__)
_MOST_UNSENT: Final = 32 << 20  # bytes for a worker that does not read: it misses what comes then
_LAST_WORDS: Final = 2.0  # seconds workers get to end what they say
_LAST_FLUSH: Final = 6.0  # seconds the lake gets at the end


class Side:
    """One side process.

    Args:
        settings: With a lake.
        clock: Time.
    """

    def __init__(self, settings: OtelSettings, clock: Clock) -> None:
        assert settings.lake is not None
        lake = settings.lake

        def open_reader() -> LakeReader:
            from brain_lake.reader import LakeReader

            return LakeReader(LakeLocation.of(lake), threads=1)

        self._settings = settings
        self._backlog = Backlog(settings.lake_copy.backlog_bytes)
        self.copier = Copier(self._backlog, open_writer(lake), clock, self._tell_state)
        self.readings = Readings(open_reader, clock)
        self._upkeep = open_upkeep(lake, settings.lake_upkeep, (LOGS, SPANS, EDGES), clock=clock)
        self._workers: set[Callable[[Message], None]] = set()
        self._gone = asyncio.Event()
        self._up = True

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the process does."""
        return [self.copier.run(self._settings.lake_copy.flush_seconds), self.readings.run(), self._upkeep.run()]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker, until it ends."""

        def send(message: Message) -> None:
            if not writer.is_closing() and writer.transport.get_write_buffer_size() < _MOST_UNSENT:
                writer.write(frame(message))

        self._workers.add(send)
        self._gone.clear()
        send(LakeState(self._up))
        try:
            while (message := await receive(reader)) is not None:
                self._take(message, send)
        except (OSError, ValueError) as error:
            _log.warning("a worker: %s", error)
        finally:
            self._left(send)
            writer.close()

    async def end(self) -> None:
        """Take what workers still say, and write what can be written in bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                while self._workers:
                    await self._gone.wait()
        try:
            async with asyncio.timeout(_LAST_FLUSH):
                await self.copier.flush()
        except TimeoutError:
            pass
        if self._backlog.size:
            _log.warning("%d bytes of rows do not come into the lake, which is away", self._backlog.size)

    def _take(self, message: Message, send: Callable[[Message], None]) -> None:
        match message:
            case Hello(wanted):
                self.readings.join(send, wanted)
            case Rows():
                self._backlog.add(message, send)
            case _:
                raise ValueError(f"a worker sends no {type(message).__name__}")

    def _left(self, send: Callable[[Message], None]) -> None:
        self._workers.discard(send)
        self.readings.leave(send)
        if not self._workers:
            self._gone.set()

    def _tell_state(self, up: bool) -> None:
        if up != self._up:
            self._up = up
            for send in self._workers:
                send(LakeState(up))


async def run_side(
    settings: OtelSettings,
    path: Path,
    ready: Callable[[], None],
    told: Callable[[], Coroutine[Any, Any, None]],
    clock: Clock | None = None,
) -> None:
    """Run it until told to end.

    Args:
        settings: With a lake.
        path: Of the socket; what is left of one before is replaced.
        ready: Called when it listens.
        told: Makes what ends when it is time to end.
        clock: Time.
    """
    side = Side(settings, clock or SystemClock())
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - of a local folder, once
    server = await asyncio.start_unix_server(side.serve, path)
    tasks = [asyncio.create_task(work) for work in (told(), *side.tasks())]
    ready()
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await side.end()  # before the tasks are cancelled: a commit under way is waited for, not made twice
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
