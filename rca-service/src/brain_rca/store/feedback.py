"""The transactions of feedback: what people say about causes, kept so that taking it back leaves no trace in any count.

Nothing is summed up in advance: ``experience`` counts the rows that are there.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.model import Analysis, DeliveryState, Feedback
from brain_rca.store import causes, work
from brain_rca.store.merge import Record
from brain_rca.store.protocol import Experience
from brain_rca.store.rows import (
    RECORD,
    Script,
    Statement,
    encode,
    feedback_of,
    save_work,
    to_bytes,
    to_delivery,
    to_record,
    update_record,
    works_of,
)

MOST_PER_INCIDENT = 20
"""Entities that something can be said about; a ranking lists ten."""


def give(incident_id: str, feedback: Feedback) -> Script[bool]:
    """See ``Store.give_feedback``."""
    held = yield from _held(incident_id)
    if held is None:
        return False
    entity = to_bytes(feedback.entity)
    [(others,)] = yield Statement(
        "SELECT count(*) FROM brain_feedback WHERE incident_id = ? AND entity <> ?", (incident_id, entity)
    )
    if others >= MOST_PER_INCIDENT:
        raise InputError(f"incident {incident_id} has feedback about {others} entities: take some of it back first")
    yield Statement(
        "INSERT INTO brain_feedback (incident_id, entity, kind, fault_kind, at, document) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (incident_id, entity) DO UPDATE SET kind = excluded.kind, fault_kind = excluded.fault_kind, "
        "at = excluded.at, document = excluded.document",
        (incident_id, entity, feedback.kind.value, to_bytes(feedback.fault_kind), feedback.at, encode(feedback)),
    )
    yield from _take_effect(*held, feedback.at)
    return True


def withdraw(incident_id: str, entity: str, at: float) -> Script[Feedback | None]:
    """See ``Store.withdraw_feedback``."""
    held = yield from _held(incident_id)
    rows = yield Statement(
        "DELETE FROM brain_feedback WHERE incident_id = ? AND entity = ? RETURNING document",
        (incident_id, to_bytes(entity)),
    )
    if held is None or not rows:
        return None
    yield from _take_effect(*held, at)
    return msgspec.json.decode(rows[0][0], type=Feedback)


def experience(except_for: str, opened_at: float, limit: int) -> Script[list[Experience]]:
    """See ``Store.experience``. Incidents that share a cause are one outage and count once.

    An incident without a cause may turn out to have the cause of any whose onset is near the earliest that its own
    evidence can tell of, and which was not over by then.
    """
    earliest = opened_at - causes.APART_SECONDS
    at_once = (earliest - causes.APART_SECONDS, opened_at + causes.APART_SECONDS, earliest)
    rows = yield Statement(
        "SELECT entity, fault_kind, count(DISTINCT CASE WHEN kind = 'confirmed' THEN outage END), "
        "count(DISTINCT CASE WHEN kind = 'rejected' THEN outage END), max(at) FROM ("
        "SELECT said.entity, said.fault_kind, said.kind, said.at, said.incident_id, causes.onset, causes.closed_at, "
        "coalesce(nullif(causes.shared_id, ''), said.incident_id) AS outage FROM brain_feedback AS said "
        "LEFT JOIN brain_causes AS causes ON causes.incident_id = said.incident_id) AS counted "
        "WHERE incident_id <> ? AND outage NOT IN (SELECT shared_id FROM brain_causes WHERE incident_id = ?) "
        "AND (EXISTS (SELECT 1 FROM brain_causes WHERE incident_id = ?) "
        "OR onset IS NULL OR onset NOT BETWEEN ? AND ? OR closed_at <= ?) "
        "GROUP BY entity, fault_kind ORDER BY max(at) DESC, entity, fault_kind LIMIT ?",
        (except_for, except_for, except_for, *at_once, limit),
    )
    return [_to_experience(row) for row in rows]


def _to_experience(row: tuple[Any, ...]) -> Experience:
    entity, fault_kind, confirmed, rejected, last_at = row
    return Experience(
        entity=bytes(entity).decode(),
        fault_kind=bytes(fault_kind).decode(),
        confirmed=confirmed,
        rejected=rejected,
        last_at=last_at,
    )


def _held(incident_id: str) -> Script[tuple[Record, Analysis | None] | None]:
    rows = yield Statement(
        f"SELECT {RECORD}, analysis FROM brain_incidents WHERE id = ? {{lock}}",  # noqa: S608 (a constant of this file)
        (incident_id,),
    )
    if not rows:
        return None
    *columns, document = rows[0]
    analysis = None if document is None else msgspec.json.decode(document, type=Analysis)
    return to_record(tuple(columns)), analysis


def _take_effect(record: Record, analysis: Analysis | None, at: float) -> Script[None]:
    """The incident has news: for its cause, for who watches it, and, while it is open, for who was told of it."""
    if record.closing_received_at is None:
        yield from _tell_again(record.incident.id, at)
    feedback = yield from feedback_of(record.incident.id)
    yield from causes.place(record, analysis, feedback)
    incident = replace(record.incident, revision=record.incident.revision + 1)
    yield from update_record(replace(record, incident=incident))


def _tell_again(incident_id: str, at: float) -> Script[None]:
    for queue, (item, document) in (yield from works_of(incident_id)).items():
        if document is not None:
            pending = replace(to_delivery(document), state=DeliveryState.PENDING)
            yield from save_work(incident_id, queue, work.ask_anew(item, at), pending)
