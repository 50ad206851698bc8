"""The store's protocol on top of the transactions; what the implementations add is how to run one.

``SqliteStore`` and ``PostgresStore`` derive from it. It checks what callers hand in, makes lease tokens, and
decodes large documents outside of the event loop.
"""

from __future__ import annotations

import asyncio
import builtins
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from brain_common.clock import Clock
from brain_common.errors import InputError
from brain_rca.model import Analysis, Delivery, Feedback, Incident
from brain_rca.recall.similar import as_said_now
from brain_rca.store import causes, feedback, rows, transactions
from brain_rca.store.protocol import (
    Acceptance,
    AnalysisClaim,
    AuditEntry,
    DeliveryClaim,
    Experience,
    Notification,
    PastIncident,
    QueueDepths,
)
from brain_rca.store.rows import Script, Stored

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{16}")
_MAX_PAGE = 1_000
_MAX_CURSOR = 2**63 - 1
_DECODE_INLINE_BYTES = 64 * 1024
"""Below this, decoding costs less than handing it to a thread."""


class ScriptedStore(ABC):
    """All of ``Store`` but opening and closing.

    Args:
        cooldown_seconds: Least time between the end of one judgement of an incident and the start of the
            next.
        clock: Tells when a delivery that is due "at once" is due.
    """

    def __init__(self, cooldown_seconds: float, clock: Clock) -> None:
        self._cooldown_seconds = cooldown_seconds
        self._clock = clock

    @abstractmethod
    async def _write(self, script: Script[T]) -> T:
        """Run it in one durable transaction."""

    @abstractmethod
    async def _read(self, script: Script[T]) -> T:
        """Run it; it changes nothing."""

    async def ping(self) -> None:
        await self._write(transactions.ping())

    async def accept(self, notification: Notification) -> Acceptance:
        return await self._write(transactions.accept(notification, self._cooldown_seconds))

    async def claim_analysis(self, now: float, lease_seconds: float) -> AnalysisClaim | None:
        claimed = await self._write(transactions.claim_analysis(_token(), now, lease_seconds))
        if claimed is None:
            return None
        return AnalysisClaim(incident=await _assemble(claimed.stored), token=claimed.token)

    async def finish_analysis(
        self,
        claim: AnalysisClaim,
        analysis: Analysis,
        now: float,
        sinks: Sequence[str],
        next_due_at: float | None,
    ) -> bool:
        return await self._write(
            transactions.finish_analysis(claim, analysis, now, sinks, next_due_at, self._cooldown_seconds)
        )

    async def fail_analysis(self, claim: AnalysisClaim, error: str, retry_at: float) -> None:
        await self._write(transactions.fail_analysis(claim, error, retry_at))

    async def claim_delivery(self, sink: str, now: float, lease_seconds: float) -> DeliveryClaim | None:
        claimed = await self._write(transactions.claim_delivery(sink, _token(), now, lease_seconds))
        if claimed is None:
            return None
        incident = await _assemble(claimed.stored)
        return DeliveryClaim(
            incident=incident,
            sink=sink,
            delivery=next(delivery for delivery in incident.deliveries if delivery.sink == sink),
            first_attempt_at=claimed.first_attempt_at,
            token=claimed.token,
        )

    async def finish_delivery(self, claim: DeliveryClaim, delivery: Delivery, next_due_at: float | None) -> bool:
        return await self._write(transactions.finish_delivery(claim, delivery, next_due_at, self._clock.now()))

    async def get(self, incident_id: str) -> Incident | None:
        if not _ID.fullmatch(incident_id):
            return None
        return _first(await self._told(await self._read(transactions.get(incident_id))))

    async def by_fingerprint(self, fingerprint: str) -> Incident | None:
        return _first(await self._told(await self._read(transactions.by_fingerprint(fingerprint))))

    async def list(
        self, *, limit: int, before: tuple[float, str] | None = None, only_open: bool = False
    ) -> Sequence[Incident]:
        if before is not None and not _ID.fullmatch(before[1]):
            raise InputError(f"page: {before[1]!r} is no incident id")
        script = transactions.newest(_page(limit), before, only_open)
        return await self._told(await self._read(script))

    async def changed_since(self, cursor: int, limit: int) -> tuple[Sequence[Incident], int]:
        start = min(max(cursor, 0), _MAX_CURSOR)
        stored, reached = await self._read(transactions.changed_since(start, _page(limit)))
        return await self._told(stored), reached

    async def give_feedback(self, incident_id: str, said: Feedback) -> bool:
        return bool(_ID.fullmatch(incident_id)) and await self._write(feedback.give(incident_id, said))

    async def withdraw_feedback(self, incident_id: str, entity: str, at: float) -> Feedback | None:
        if not _ID.fullmatch(incident_id):
            return None
        return await self._write(feedback.withdraw(incident_id, entity, at))

    async def experience(self, except_for: str, opened_at: float, limit: int) -> Sequence[Experience]:
        return await self._read(feedback.experience(except_for, opened_at, _page(limit)))

    async def past_with_cause(
        self, entity: str, fault_kind: str, *, except_for: str, onset: float, after: float, before: float, limit: int
    ) -> Sequence[PastIncident]:
        wanted = causes.Wanted(entity, fault_kind, except_for, onset, after, before, _page(limit))
        return await self._read(causes.similar(wanted))

    async def _told(self, stored: Sequence[Stored]) -> builtins.list[Incident]:
        """Whole, and with similar incidents as they compare now: what was taken back must not be told on."""
        incidents = await _assemble_all(stored)
        similar = {one.incident_id for each in incidents if each.analysis for one in each.analysis.similar}
        if not similar:
            return incidents
        known = await self._read(causes.known_now(sorted(similar)))
        return [as_said_now(incident, known) for incident in incidents]

    async def depths(self, now: float) -> QueueDepths:
        return await self._read(transactions.depths(now))

    async def append_audit(
        self, writer: str, at: float, actor: str, action: str, incident_id: str, detail: Mapping[str, str]
    ) -> AuditEntry:
        return await self._write(transactions.append_audit(writer, at, actor, action, incident_id, detail))

    async def read_audit(self, writer: str | None = None) -> Sequence[AuditEntry]:
        documents = await self._read(transactions.read_audit(writer))
        return await asyncio.to_thread(_decode_audit, documents)

    async def close_silent(self, heard_before: float, now: float) -> int:
        closed, after = await self._write(transactions.close_silent(heard_before, now, None))
        while after is not None:
            more, after = await self._write(transactions.close_silent(heard_before, now, after))
            closed += more
        return closed

    async def prune(self, closed_before: float) -> int:
        pruned = 0
        while count := await self._write(transactions.prune(closed_before)):
            pruned += count
        return pruned


def _token() -> str:
    return secrets.token_hex(8)


def _page(limit: int) -> int:
    return min(max(limit, 0), _MAX_PAGE)


def _first(incidents: Sequence[Incident]) -> Incident | None:
    return incidents[0] if incidents else None


async def _assemble(stored: Stored) -> Incident:
    [incident] = await _assemble_all([stored])
    return incident


async def _assemble_all(stored: Sequence[Stored]) -> builtins.list[Incident]:
    size = sum(len(item.core) + len(item.analysis or b"") for item in stored)
    if size <= _DECODE_INLINE_BYTES:
        return [rows.assemble(item) for item in stored]
    return await asyncio.to_thread(lambda: [rows.assemble(item) for item in stored])


def _decode_audit(documents: Sequence[bytes]) -> builtins.list[AuditEntry]:
    decoder = msgspec.json.Decoder(AuditEntry)
    return [decoder.decode(document) for document in documents]
