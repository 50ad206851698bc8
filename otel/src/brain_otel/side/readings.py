"""What workers want read of the lake, read every half minute and sent to those who want it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from brain_common.clock import Clock
from brain_common.errors import BrainError
from brain_otel.side.frames import Snapshot
from brain_otel.side.reads import READS
from brain_otel.side.snapshots import encode

if TYPE_CHECKING:
    from brain_lake.reader import LakeReader

_log = logging.getLogger(__name__)
EVERY: Final = 30.0  # seconds
Send = Callable[[Snapshot], None]


class Readings:
    """Reads what is wanted, whatever of it can be read.

    Args:
        open_reader: Opens the lake; called when something is first read, since what it needs is large.
        clock: Until when.
    """

    def __init__(self, open_reader: Callable[[], LakeReader], clock: Clock) -> None:
        self._open_reader = open_reader
        self._clock = clock
        self._wanted: dict[Send, Mapping[str, float]] = {}
        self._newest: dict[str, Snapshot] = {}
        self._said: dict[str, str] = {}
        self._reader: LakeReader | None = None
        self._came = asyncio.Event()

    def join(self, send: Send, wanted: Mapping[str, float]) -> None:
        """A worker that wants snapshots: it gets what was read last at once."""
        self._wanted[send] = {name: seconds for name, seconds in wanted.items() if name in READS}
        for name in self._wanted[send]:
            if name in self._newest:
                send(self._newest[name])
            else:
                self._came.set()

    def leave(self, send: Send) -> None:
        """It went."""
        self._wanted.pop(send, None)

    async def run(self) -> None:
        """Read every half minute, and when something is wanted for the first time; endless."""
        while True:
            self._came.clear()
            await self.round()
            try:
                async with asyncio.timeout(EVERY):
                    await self._came.wait()
            except TimeoutError:
                pass

    async def round(self) -> None:
        """Read everything that is wanted once."""
        farthest: dict[str, float] = {}
        for wanted in self._wanted.values():
            for name, seconds in wanted.items():
                farthest[name] = max(seconds, farthest.get(name, 0.0))
        for name, seconds in farthest.items():
            try:
                rows = await asyncio.to_thread(self._read, name, seconds)
            except BrainError as error:
                self._newest.pop(name, None)  # a worker that comes now would take it for fresh
                self._say(name, f"snapshot {name}: {error}")
            else:
                self._say(name, "")
                self._send(Snapshot(name, encode(rows)))

    def _read(self, name: str, seconds: float) -> Sequence[Any]:
        if self._reader is None:
            self._reader = self._open_reader()
        now = self._clock.now()
        return READS[name](self._reader, now - seconds, now)

    def _send(self, snapshot: Snapshot) -> None:
        self._newest[snapshot.name] = snapshot
        for send, wanted in list(self._wanted.items()):
            if snapshot.name in wanted:
                send(snapshot)

    def _say(self, name: str, text: str) -> None:
        """Once, while it stays the same."""
        if text and self._said.get(name) != text:
            _log.warning("%s", text)
        self._said[name] = text
