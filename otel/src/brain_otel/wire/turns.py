"""Whose gRPC message is read next: few at a time, as each may be as long as the longest.

gRPC says the length of a message only when all of it is in memory, three times over for a moment. So memory for the
longest is set aside while one is read, and the others wait, held back by HTTP/2's flow control; a message of the
usual size takes a millisecond. Who is slow while others wait loses its turn, and comes again. One turn is kept for
connections that have been quick before: however many trickle, those who do their work are served.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from typing import Final

from brain_otel.wire.admission import Budget, Lease
from brain_otel.wire.refusal import OverloadError

_TIMES: Final = 2  # the longest message that are set aside for a reader
_PATIENCE: Final = 2.0  # seconds to wait for a turn
_SLOWEST: Final = 30.0  # seconds for one message when nobody else wants to be read
_LONGEST_TURN: Final = 1.0  # seconds, while one other waits; the more wait, the shorter
_SHORTEST_TURN: Final = 0.1
_ENOUGH: Final = 1 << 20  # bytes that begin a turn anew
_MOST_WAITING: Final = 512  # each with what the flow control lets through, 64 KiB
_REMEMBERED: Final = 4096  # connections that have been quick


class Reader:
    """One that has the turn.

    Attributes:
        lease: Memory; the reader's afterwards, to be shrunk to what was read.
    """

    __slots__ = ("_moved", "lease", "limit", "other", "since")

    def __init__(self, lease: Lease, limit: asyncio.Timeout, *, other: bool) -> None:
        self.lease = lease
        self.limit = limit
        self.since = asyncio.get_running_loop().time()
        self.other = other
        self._moved = 0

    def moved(self, size: int) -> None:
        """So many bytes came: who is getting on is not slow. Only HTTP can tell."""
        self._moved += size
        if self._moved >= _ENOUGH:
            self._moved = 0
            self.since = asyncio.get_running_loop().time()


class Turns:
    """Gives turns to read.

    Args:
        budget: Memory.
        longest: Bytes of the longest message.
    """

    def __init__(self, budget: Budget, longest: int) -> None:
        self._budget = budget
        self._longest_message = longest
        self._cost = _TIMES * longest
        self._turns = max(budget.capacity // self._cost, 1)
        self._given = {True: 0, False: 0}  # to others, and to those who have been quick
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}
        self._readers: dict[Reader, None] = {}  # in the order of their turns
        self._quick: OrderedDict[str, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def turn(self, connection: str) -> AsyncIterator[Reader]:
        """Read inside the block.

        Args:
            connection: Address and port of the sender.

        Raises:
            TooLargeError: As ``Budget.take``.
            OverloadError: No turn came, or the message came too slowly while others waited.
        """
        other = connection not in self._quick
        await self._get(other)
        try:
            lease = await self._budget.take(self._cost)
            self._budget.coming += self._longest_message
            try:
                self._budget.check(2 * self._longest_message)
                async with asyncio.timeout(_SLOWEST) as limit:
                    reader = Reader(lease, limit, other=other)
                    self._readers[reader] = None
                    try:
                        yield reader
                    finally:
                        del self._readers[reader]
            except BaseException as error:
                lease.release()
                self._quick.pop(connection, None)
                if isinstance(error, TimeoutError):
                    raise OverloadError("the message came too slowly while others waited") from error
                raise
            finally:
                self._budget.coming -= self._longest_message
            self._remember(connection)
        finally:
            self._given[other] -= 1
            self._serve()

    async def _get(self, other: bool) -> None:
        if self._free(other) and not self._waiting[other]:
            self._given[other] += 1
            return
        if sum(map(len, self._waiting.values())) >= _MOST_WAITING:
            raise OverloadError("too many requests wait to be read")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[other].append(turn)
        self._hurry()
        try:
            async with asyncio.timeout(_PATIENCE):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came at the very moment
                self._given[other] -= 1
            else:
                with contextlib.suppress(ValueError):
                    self._waiting[other].remove(turn)
            self._serve()
            if isinstance(error, TimeoutError):
                raise OverloadError("no turn to be read came in time") from error
            raise

    def _free(self, other: bool) -> bool:
        if sum(self._given.values()) >= self._turns:
            return False
        return not other or self._given[other] < max(self._turns - 1, 1)

    def _serve(self) -> None:
        for other in (False, True):
            waiting = self._waiting[other]
            while waiting and self._free(other):
                turn = waiting.popleft()
                if not turn.done():
                    self._given[other] += 1
                    turn.set_result(None)

    def _hurry(self) -> None:
        """Have the slow make room as long as others wait."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._longest(), self._make_room)

    def _longest(self) -> float:
        waiting = sum(map(len, self._waiting.values()))
        return max(_LONGEST_TURN / max(waiting, 1), _SHORTEST_TURN)

    def _make_room(self) -> None:
        self._timer = None
        wanted = {other: len(waiting) for other, waiting in self._waiting.items()}
        if not any(wanted.values()):
            return
        now, longest = asyncio.get_running_loop().time(), self._longest()
        for reader in self._readers:
            helps = wanted[False] > 0 or reader.other
            if helps and now - reader.since >= (longest if reader.other else _LONGEST_TURN):
                reader.limit.reschedule(now)
        self._hurry()

    def _remember(self, connection: str) -> None:
        self._quick[connection] = None
        self._quick.move_to_end(connection)
        if len(self._quick) > _REMEMBERED:
            self._quick.popitem(last=False)
