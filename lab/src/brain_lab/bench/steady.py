"""A steady stream of notifications while things break, and the book of what the service took responsibility for.

Each notification is posted as Alertmanager does, again after 5xx and lost answers, until it is answered 200. From that
moment on it is promised: ``Book.lost`` counts those of which the service later knows too little.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

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

    def lost(self, known: Sequence[Incident]) -> int:
        """Incidents that lack an alert, the judgement of what they hold, or the news at a sink; and those refused."""
        by_id = {incident.id: incident for incident in known}
        kept = (settled(by_id[id_], alerts) for id_, alerts in self.promised.items() if id_ in by_id)
        return len(self.promised) - sum(kept) + self.refused


def settled(incident: Incident, fingerprints: set[str]) -> bool:
    """Whether nothing is left to do about it."""
    told = bool(incident.deliveries) and all(delivery.state == "done" for delivery in incident.deliveries)
    return incident.analysed and told and fingerprints <= {alert.fingerprint for alert in incident.alerts}


@asynccontextmanager
async def stream(address: str, about: Mapping[str, str], book: Book, senders: int, rate: float) -> AsyncIterator[None]:
    """Send about ``rate`` notifications a second while the block runs; then finish those under way."""
    stop = asyncio.Event()
    waiting = itertools.islice(_notifications(about), MOST_NOTIFICATIONS)
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


def _notifications(about: Mapping[str, str]) -> Iterator[Notification]:
    for group in itertools.count():
        severity = "warning" if group % _CRITICAL_EVERY else "critical"
        since = time.time() // 1 - _BEFORE
        for state in range(1, STATES + 1):
            told = notification(f"{group}", state, about, severity, since)
            yield from itertools.repeat(told, PEERS)


async def settle(service: Service, book: Book, patience: float) -> tuple[list[Incident], float]:
    """Wait until everything that was promised is done.

    Returns:
        The incidents, and how many seconds it took; ``patience`` when it never did.
    """
    began = time.monotonic()
    while True:
        known = await asyncio.to_thread(_known, service, book)
        passed = time.monotonic() - began
        if book.lost(known) == 0 or passed > patience:
            return known, min(passed, patience)
        await asyncio.sleep(_POLL_SECONDS)


def _known(service: Service, book: Book) -> list[Incident]:
    """Nothing, while the service cannot say."""
    try:
        return service.incidents(list(book.promised))
    except httpx.HTTPError:
        return []
