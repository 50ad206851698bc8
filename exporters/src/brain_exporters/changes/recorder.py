"""The one place where changes and events become counters, rows and annotations to be made: durable, and once.

Deliveries that come while a commit is being flushed to disk wait for the next one, all together, so that their number a
second does not depend on how fast the disk is. What was taken is remembered in the state file by the key of each item:
a delivery that comes again, after a restart too, or a change that both a webhook and an API tell of, counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from brain_common.clock import Clock
from brain_common.errors import BrainError, TemporaryError
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import Change, Item, SecurityEvent
from brain_exporters.changes.outbox import Outbox
from brain_exporters.changes.table import change_rows, event_rows
from brain_exporters.runtime.batch import Batch, Labels
from brain_exporters.runtime.ledger import Ledger
from brain_lake.schemas import CHANGES, SECURITY

CHANGES_COUNTER: Final = "brain_changes"
EVENTS_COUNTER: Final = "brain_security_events"
REQUESTS_COUNTER: Final = "changes_requests"
ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
_SEEN: Final = "seen/"
_LAST: Final = "last/"
_TOGETHER: Final = 500  # deliveries in one commit
_FORGET: Final = 2000  # keys forgotten in one commit at most
_STOPPING: Final = "the exporter is being stopped"
_PERIOD: Final = 1.0  # seconds until counts of refused requests are committed when nothing else comes

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Delivery:
    source: str
    items: Sequence[Item]
    positions: Mapping[str, str]
    is_request: bool
    taken: asyncio.Future[str]


@dataclass(slots=True)
class _Turn:
    """One commit in the making, and what is true once it is done."""

    batch: Batch = field(default_factory=Batch)
    outcomes: list[str] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    events: list[SecurityEvent] = field(default_factory=list)
    annotations: dict[str, bytes] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)


class Recorder:
    """Args:
    ledger: Where it goes.
    clock: For what is remembered.
    entities: What changes are about.
    outbox: Annotations to be made.
    sources: Those whose last change is shown.
    most_waiting: Deliveries at one time.
    remember_seconds: How long a key is kept.
    remember_most: And how many.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        entities: EntityMap,
        outbox: Outbox,
        *,
        sources: Sequence[str],
        most_waiting: int,
        remember_seconds: float,
        remember_most: int,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._entities = entities
        self._outbox = outbox
        self._most_waiting = most_waiting
        self._remember_seconds = remember_seconds
        self._remember_most = remember_most
        kept = {key.removeprefix(_SEEN): float(at) for key, at in ledger.notes(_SEEN).items()}
        self._seen = dict(sorted(kept.items(), key=lambda pair: pair[1]))  # oldest first, as new ones come last
        self._queue: list[_Delivery] = []
        self._counts: dict[Labels, float] = {}
        self._wake = asyncio.Event()
        self._closed = False
        self._said = ""
        self.last = {source: float(ledger.position(_LAST + source) or 0) for source in sources}

    @property
    def waiting(self) -> int:
        """Deliveries that are not durable yet."""
        return len(self._queue)

    def count(self, source: str, outcome: str) -> None:
        """A request that brought nothing; committed within a second, for nobody waits for it."""
        labels = (source, outcome)
        self._counts[labels] = self._counts.get(labels, 0.0) + 1.0

    async def record(
        self,
        source: str,
        items: Sequence[Item],
        positions: Mapping[str, str] | None = None,
        *,
        is_request: bool = True,
    ) -> str:
        """Take a delivery; after it returns, no crash undoes it. Returns ``accepted`` or ``duplicate``.

        Raises:
            TemporaryError: There is no room, or the disk fails; nothing was taken.
            InputError: The lake cannot hold it.
        """
        if self._closed or len(self._queue) >= self._most_waiting:
            raise TemporaryError("too many deliveries at one time", retry_after=5.0)
        taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._queue.append(_Delivery(source, items, positions or {}, is_request, taken))
        self._wake.set()
        return await taken

    async def run(self) -> None:
        """Commit what comes, until cancelled; what is being committed then is brought to its end."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PERIOD):
                        await self._wake.wait()
                self._wake.clear()
                while self._queue or self._counts:
                    taken, self._queue = self._queue[:_TOGETHER], self._queue[_TOGETHER:]
                    if not await self._take(taken) and not self._queue:
                        break
        finally:
            self._closed = True
            for delivery in self._queue:
                _refuse(delivery, TemporaryError(_STOPPING))

    async def _take(self, deliveries: Sequence[_Delivery]) -> bool:
        """Commit some together; whether all is well with the disk."""
        turn = self._turn(deliveries)
        counts, self._counts = self._counts, {}
        for labels, amount in counts.items():
            turn.batch.count(REQUESTS_COUNTER, labels, amount)
        try:
            await self._commit(turn, deliveries)
            self._said = ""
        except BrainError as error:
            if str(error) != self._said:  # once, not at each delivery
                self._said = str(error)
                _log.warning("deliveries are not taken: %s", error)
            self._counts = _added(counts, self._counts)
            if isinstance(error, TemporaryError) or len(deliveries) == 1:
                for delivery in deliveries:
                    _refuse(delivery, error)
                return not isinstance(error, TemporaryError)
            for delivery in deliveries:  # one of them is at fault; the others shall not suffer
                await self._take([delivery])
        return True

    async def _commit(self, turn: _Turn, deliveries: Sequence[_Delivery]) -> None:
        work = asyncio.create_task(asyncio.to_thread(self._write, turn))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(BrainError):
                await work
                self._done(turn, deliveries)
            for delivery in deliveries:  # those that are not done
                _refuse(delivery, TemporaryError(_STOPPING))
            raise
        self._done(turn, deliveries)

    def _write(self, turn: _Turn) -> None:
        """In a thread: rows are made here, a flush to disk takes its time."""
        turn.batch.add_rows(CHANGES, change_rows(turn.changes, self._entities))
        turn.batch.add_rows(SECURITY, event_rows(turn.events, self._entities))
        with self._outbox.guard:
            self._ledger.commit(turn.batch)
            self._outbox.added(turn.annotations)

    def _done(self, turn: _Turn, deliveries: Sequence[_Delivery]) -> None:
        for key in turn.forgotten:
            self._seen.pop(key, None)
        self._seen.update(turn.seen)
        self.last.update(turn.last)
        for delivery, outcome in zip(deliveries, turn.outcomes, strict=True):
            if not delivery.taken.done():
                delivery.taken.set_result(outcome)

    def _turn(self, deliveries: Sequence[_Delivery]) -> _Turn:
        turn = _Turn()
        for delivery in deliveries:
            new = 0
            for item in delivery.items:
                new += self._add(turn, item)
            outcome = ACCEPTED if new else DUPLICATE
            turn.outcomes.append(outcome)
            turn.batch.positions.update(delivery.positions)
            if delivery.is_request:
                turn.batch.count(REQUESTS_COUNTER, (delivery.source, outcome))
        self._forget(turn)
        return turn

    def _add(self, turn: _Turn, item: Item) -> bool:
        key = item.key
        if key in self._seen or key in turn.seen:
            return False
        now = self._clock.now()
        turn.seen[key] = now
        turn.batch.notes[_SEEN + key] = b"%.3f" % now
        last = max(turn.last.get(item.source, self.last.get(item.source, 0.0)), item.timestamp)
        turn.last[item.source] = last
        turn.batch.positions[_LAST + item.source] = f"{last:.3f}"
        if isinstance(item, Change):
            self._add_change(turn, item)
        else:
            turn.batch.count(EVENTS_COUNTER, (item.source, item.rule, item.severity.value))
            turn.events.append(item)
        return True

    def _add_change(self, turn: _Turn, change: Change) -> None:
        turn.batch.count(CHANGES_COUNTER, (change.source, change.kind.value, change.result.value))
        turn.changes.append(change)
        turn.annotations.update(self._outbox.put(turn.batch, change, self._entities, turn.annotations))

    def _forget(self, turn: _Turn) -> None:
        """Keys that are too old or too many; a few at a time, so that no delivery waits for all of them."""
        horizon = self._clock.now() - self._remember_seconds
        excess = len(self._seen) + len(turn.seen) - self._remember_most
        for key, at in self._seen.items():
            if (at >= horizon and len(turn.forgotten) >= excess) or len(turn.forgotten) >= _FORGET:
                break
            turn.forgotten.append(key)
            turn.batch.notes[_SEEN + key] = None


def _refuse(delivery: _Delivery, error: BrainError) -> None:
    if not delivery.taken.done():
        delivery.taken.set_exception(error)


def _added(first: Mapping[Labels, float], second: Mapping[Labels, float]) -> dict[Labels, float]:
    return {labels: first.get(labels, 0.0) + second.get(labels, 0.0) for labels in {*first, *second}}
