"""A steady stream of notifications while things break, and the book of what the service took responsibility for.

Each notification is posted as Alertmanager does, again after 5xx and lost answers, until it is answered 200. From that
moment on it is promised, and ``settle`` waits until the service has kept its word.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import httpx

from brain_lab.bench.load import NO_ANSWER, Answer, Connection, Notification, notification
from brain_lab.bench.service import Incident, Service

STATES: Final = 3  # of each group, one alert more each
PEERS: Final = 2  # of the Alertmanager cluster: every state comes twice
MOST_NOTIFICATIONS: Final = 50_000
_CRITICAL_EVERY: Final = 3  # groups
_RETRY_SECONDS: Final = 0.1
_POLL_SECONDS: Final = 1.0
_BEFORE: Final = 60.0  # seconds ago that the alerts began


@dataclass
class Book:
    """What was answered, and how.

    Attributes:
        promised: Per incident id, the fingerprints that were in notifications answered 200.
        accepted: Notifications answered 200.
        retried: Answers that were 5xx or lost, after which the notification was sent again.
        refused: Other answers: a notification that Alertmanager would not send again.
    """

    promised: dict[str, set[str]] = field(default_factory=dict)
    accepted: int = 0
    retried: int = 0
    refused: int = 0

    def note(self, told: Notification, answer: Answer) -> bool:
        """Enter an answer; whether the sender is done with the notification."""
        if answer.status == 200:
            self.accepted += 1
            self.promised.setdefault(answer.incident, set()).update(told.fingerprints)
            return True
        if answer.status == NO_ANSWER or answer.status >= 500:
            self.retried += 1
            return False
        self.refused += 1
        return True


class Settlement(NamedTuple):
    """How the waiting ended.

    Attributes:
        undone: Incidents that lack an alert, the judgement of what they hold, or the news at a sink.
        seconds: It took.
    """

    undone: int
    seconds: float


@asynccontextmanager
async def stream(address: str, about: Mapping[str, str], book: Book, senders: int, rate: float) -> AsyncIterator[None]:
    """Send about ``rate`` notifications a second while the block runs; then finish those under way."""
    stop = asyncio.Event()
    waiting = itertools.islice(stream_of(about), MOST_NOTIFICATIONS)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(senders):
            tasks.create_task(_send(address, waiting, book, senders / rate, stop))
        try:
            yield
        finally:
            stop.set()


async def _send(address: str, waiting: Iterator[Notification], book: Book, pause: float, stop: asyncio.Event) -> None:
    async with Connection(address) as connection:
        for told in waiting:
            if stop.is_set():
                return
            await _insist(connection, told, book)
            await asyncio.sleep(pause)


async def _insist(connection: Connection, told: Notification, book: Book) -> None:
    """Post it until it need not be sent again."""
    while True:
        if book.note(told, await connection.post(told.body)):
            return
        await asyncio.sleep(_RETRY_SECONDS)


def stream_of(about: Mapping[str, str]) -> Iterator[Notification]:
    """Without end: groups one after another, each in growing states, each state from every peer."""
    for group in itertools.count():
        severity = "warning" if group % _CRITICAL_EVERY else "critical"
        since = time.time() // 1 - _BEFORE
        for state in range(1, STATES + 1):
            told = notification(f"{group}", state, about, severity, since)
            yield from itertools.repeat(told, PEERS)


async def settle(service: Service, promised: Mapping[str, set[str]], patience: float) -> Settlement:
    """Wait until everything in ``promised`` is done, at most ``patience`` seconds.

    An incident counts from the moment it is seen done: one that stays open is judged and told anew later.
    """
    began = time.monotonic()
    waiting = {incident: frozenset(alerts) for incident, alerts in promised.items()}
    while True:
        known = await asyncio.to_thread(_known, service, list(waiting))
        for incident in known:
            if settled(incident, waiting[incident.id]):
                del waiting[incident.id]
        passed = time.monotonic() - began
        if not waiting or passed > patience:
            return Settlement(len(waiting), passed)
        await asyncio.sleep(_POLL_SECONDS)


def settled(incident: Incident, fingerprints: frozenset[str]) -> bool:
    """Whether nothing is left to do about it."""
    told = bool(incident.deliveries) and all(delivery.state == "done" for delivery in incident.deliveries)
    return incident.analysed and told and fingerprints <= {alert.fingerprint for alert in incident.alerts}


def _known(service: Service, ids: Sequence[str]) -> list[Incident]:
    """Nothing, while the service cannot say."""
    try:
        return service.incidents(ids)
    except httpx.HTTPError:
        return []
