"""Which requests get in: memory is set aside for each, and there is only so much of it.

A request is in memory as it was received, decoded and encoded again until the next hop has accepted it. What that
takes cannot be known before: 4 MB of empty groups become 120 MiB. So admission goes by what usual requests take, and
the resident set is looked at again before each step that needs more (``Budget.check``); that bound holds whatever was
sent. Who does not fit waits a second in the order of arrival, and is then refused so that it keeps its data and tries
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from brain_common.memory import ResidentSet, trim
from brain_otel.config import MIB
from brain_otel.wire.refusal import OverloadError, TooLargeError

HEADROOM: Final = 40 * MIB  # one piece of the densest kind (see pieces.py), and what the allocator wastes
_PATIENCE: Final = 1.0  # seconds; a stock Collector gives up after five
_MOST_HELD: Final = 8  # part of the capacity that may be held by those who wait for more
_LOOK_SECONDS: Final = 0.05
_TRIM_SECONDS: Final = 0.5
_SLACK: Final = 24 * MIB  # freed but not given back: below, it is not worth the milliseconds


class Lease:
    """Memory set aside for one request."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget = budget
        self.size = size

    def grow(self, size: int) -> None:
        """Set more aside, at once or not at all.

        Raises:
            TooLargeError: There never will be as much.
            OverloadError: There is none for now.
        """
        self._budget.take_at_once(size, self.size)
        self.size += size

    async def reach(self, size: int) -> None:
        """Have ``size`` bytes in the end, waiting a little where they are not there.

        Raises:
            TooLargeError: There never will be as much.
            OverloadError: There is none for now.
        """
        if size > self.size:
            await self._budget.take_more(size - self.size, self.size)
        else:
            self._budget.give_back(self.size - size)
        self.size = size

    def shrink(self, size: int) -> None:
        """Keep no more than ``size`` bytes."""
        if size < self.size:
            self._budget.give_back(self.size - size)
            self.size = size

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        self.shrink(0)


class Budget:
    """The memory that requests may take together.

    Args:
        limit: Bytes of resident memory that the process must not go beyond.
        resident: Asks for its resident memory.
    """

    def __init__(self, limit: int, resident: Callable[[], int]) -> None:
        self._limit = limit
        self._resident = resident
        self._first = self._rest = self._low = resident()
        self.coming = 0  # bytes that gRPC may read at this moment, by itself
        self._trimmed = 0.0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._held = 0  # by those who wait for more
        self.taken = 0

    @property
    def capacity(self) -> int:
        """Bytes for all requests: the limit without what the process needs at rest."""
        return max(self._limit - HEADROOM - self._rest, 0)

    async def take(self, size: int) -> Lease:
        """Set memory aside, waiting a little where there is none.

        Raises:
            TooLargeError: There never will be as much.
            OverloadError: There is none for now.
        """
        await self.take_more(size, 0)
        return Lease(self, size)

    async def take_more(self, size: int, held: int) -> None:
        """The same for a lease that holds ``held`` bytes already.

        Who holds much while it waits keeps others from ever getting what they wait for, and they it. So the first one
        may, and the others are refused.
        """
        self._must_be_possible(size + held)
        if not self._waiting and self._fits(size):
            self.taken += size
            return
        if held and self._held and self._held + held > self.capacity // _MOST_HELD:
            raise self._overload()
        self._held += held
        try:
            await self._wait(size)
        finally:
            self._held -= held

    def take_at_once(self, size: int, held: int) -> None:
        """The same without waiting."""
        self._must_be_possible(size + held)
        if not self._fits(size):
            raise self._overload()
        self.taken += size

    def give_back(self, size: int) -> None:
        """It is free again, and who waits longest gets it."""
        self.taken -= size
        self._serve()

    def check(self, more: int = 0) -> None:
        """Look whether ``more`` bytes can be had without going beyond the limit, whatever was set aside.

        Raises:
            TooLargeError: They never can.
            OverloadError: They cannot now.
        """
        self._must_be_possible(more)
        if not self._has_room(more):
            self._trim()
            if not self._has_room(more):
                raise self._overload()

    def look(self) -> None:
        """Learn what the process needs at rest; give back what it does not."""
        if self._resident() > self._low + self.taken + _SLACK:
            self._trim()
        if not self.taken:
            self._rest = self._resident()
        self._serve()

    def _trim(self) -> None:
        """Not more often than it is worth its milliseconds."""
        now = time.monotonic()
        if now - self._trimmed >= _TRIM_SECONDS:
            trim()
            self._trimmed = now
            self._low = max(self._resident() - self.taken, self._first)

    def _has_room(self, more: int) -> bool:
        return self._resident() + self.coming + more <= self._limit - HEADROOM

    def _must_be_possible(self, size: int) -> None:
        if size > self._limit - HEADROOM - self._first:
            raise TooLargeError(f"the request would take {size >> 20} MiB of memory; send smaller batches")

    def _fits(self, size: int) -> bool:
        return self.taken + size <= self.capacity

    async def _wait(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            async with asyncio.timeout(_PATIENCE):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.give_back(size)  # it came at the very moment
            else:
                turn.cancel()
                self._serve()
            if isinstance(error, TimeoutError):
                raise self._overload() from error
            raise

    def _serve(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done():
                if not self._fits(size):
                    return
                self.taken += size
                turn.set_result(None)
            self._waiting.popleft()

    def _overload(self) -> OverloadError:
        return OverloadError(
            f"no memory for the request now: {self.taken >> 20} of {self.capacity >> 20} MiB are taken"
        )


@contextlib.asynccontextmanager
async def admitting(limit: int) -> AsyncIterator[Budget]:
    """A budget that follows the process while the block runs."""
    resident = ResidentSet()
    budget = Budget(limit, resident.read)

    async def watch() -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            budget.look()

    task = asyncio.create_task(watch(), name="memory")
    try:
        yield budget
    finally:
        task.cancel()
        resident.close()
