"""Which cause each incident has, kept apart from its analysis, so that incidents can be found by it.

Two questions are answered from these rows: which incidents at the same time have one cause (``SharedCause``), and which
past ones looked alike. A shared cause is no incident: it is an id that the rows of its members carry. The identity of
an incident stays (source, receiver, group key, episode).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_rca.model import Analysis, Cause, Feedback, Incident
from brain_rca.store.merge import Record
from brain_rca.store.protocol import PastIncident
from brain_rca.store.rows import Outline, Script, Statement, encode, marks, to_bytes

APART_SECONDS = 1800.0
"""Onsets further apart than this are two faults: evidence begins that long before an incident's first alert."""

SURE = 0.5
"""Probability from which incidents are put together: more likely the cause than everything else taken together."""

_MAX_TITLE, _MAX_SIGNALS, _MAX_SIGNAL, _MAX_FIX = 240, 12, 200, 500
_ENDLESS = 1e18  # seconds since the epoch: of what goes on
_PAST = "incident_id, entity, fault_kind, shared_id, outline"
# At the first judgement the incident has no row yet: who has its cause is known by entity and time, as it will be when
# the row is kept (see _shared_id).
_WITH_IT = (
    "SELECT shared_id FROM brain_causes WHERE incident_id = ? AND shared_id <> '' UNION ALL "
    "SELECT shared_id FROM brain_causes WHERE entity = ? AND onset BETWEEN ? AND ? AND coalesce(closed_at, ?) > ? "
    "AND shared_id <> ''"
)


class _Leading(NamedTuple):
    """The cause an incident is kept under."""

    entity: str
    fault_kind: str
    onset: float
    is_sure: bool
    outline: Outline


def place(record: Record, analysis: Analysis | None, feedback: Sequence[Feedback]) -> Script[None]:
    """Keep the incident under its cause: the confirmed one, else the first of the ranking that nobody rejected.

    The transaction holds the incident. The lock of a cause comes after those of incidents and work, and before the
    change number.
    """
    incident = msgspec.structs.replace(record.incident, feedback=tuple(feedback))
    leading = _leading(incident, analysis)
    if leading is None:
        yield Statement("DELETE FROM brain_causes WHERE incident_id = ?", (incident.id,))
        return
    shared_id = (yield from _shared_id(record, leading)) if leading.is_sure else ""
    yield Statement(
        "INSERT INTO brain_causes (incident_id, entity, entity_kind, fault_kind, received_at, closed_at, onset, "
        "shared_id, outline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (incident_id) DO UPDATE SET "
        "entity = excluded.entity, "
        "entity_kind = excluded.entity_kind, fault_kind = excluded.fault_kind, closed_at = excluded.closed_at, "
        "onset = excluded.onset, "
        "shared_id = excluded.shared_id, outline = excluded.outline",
        (
            incident.id,
            to_bytes(leading.entity),
            _kind(leading.entity),
            to_bytes(leading.fault_kind),
            incident.received_at,
            record.closing_received_at,
            leading.onset,
            shared_id,
            encode(leading.outline),
        ),
    )


def _shared_id(record: Record, leading: _Leading) -> Script[str]:
    """That of the oldest incident with this cause; its own, which is new at first, when it is itself the oldest."""
    incident, entity = record.incident, to_bytes(leading.entity)
    yield Statement("{cause_lock}", (_lock(entity),))
    own = yield Statement(
        "SELECT shared_id FROM brain_causes WHERE incident_id = ? AND entity = ? AND shared_id <> ''",
        (incident.id, entity),
    )
    peers = yield Statement(
        "SELECT received_at, incident_id, shared_id FROM brain_causes WHERE entity = ? AND shared_id <> '' "
        "AND incident_id <> ? AND onset BETWEEN ? AND ? AND onset < ? AND coalesce(closed_at, ?) > ? "
        "ORDER BY received_at, incident_id LIMIT 1",
        (
            entity,
            incident.id,
            leading.onset - APART_SECONDS,
            leading.onset + APART_SECONDS,
            _ENDLESS if record.closing_received_at is None else record.closing_received_at,
            _ENDLESS,
            leading.onset,
        ),
    )
    if own and (not peers or (incident.received_at, incident.id) < tuple(peers[0][:2])):
        return str(own[0][0])
    return str(peers[0][2]) if peers else _new_id(entity, incident.id)


def close(incident: Incident, at: float) -> Script[None]:
    """The incident was closed, which was heard ``at``; the transaction holds it."""
    rows = yield Statement("SELECT outline FROM brain_causes WHERE incident_id = ?", (incident.id,))
    for (document,) in rows:
        outline = msgspec.structs.replace(msgspec.json.decode(document, type=Outline), closed_at=incident.closed_at)
        yield Statement(
            "UPDATE brain_causes SET closed_at = ?, outline = ? WHERE incident_id = ?",
            (at, encode(outline), incident.id),
        )


class Wanted(NamedTuple):
    """Which incidents are looked for; see ``Store.past_with_cause``."""

    entity: str
    fault_kind: str
    except_for: str
    onset: float
    after: float
    before: float
    limit: int


def similar(wanted: Wanted) -> Script[list[PastIncident]]:
    """See ``Store.past_with_cause``."""
    entity, fault_kind = to_bytes(wanted.entity), to_bytes(wanted.fault_kind)
    same_entity = yield from _past("entity = ?", (entity,), wanted)
    same_kind = yield from _past("entity_kind = ? AND fault_kind = ?", (_kind(wanted.entity), fault_kind), wanted)
    return list({past.incident_id: past for past in (*same_entity, *same_kind)}.values())


def known_now(incident_ids: Sequence[str]) -> Script[dict[str, PastIncident]]:
    """The incidents by their causes of now; without those that have none, or are gone."""
    rows = yield Statement(
        f"SELECT {_PAST} FROM brain_causes WHERE incident_id IN ({marks(incident_ids)})",  # noqa: S608
        incident_ids,
    )
    return {row[0]: _to_past(row) for row in rows}


def _past(condition: str, params: Sequence[Any], wanted: Wanted) -> Script[list[PastIncident]]:
    earliest, latest = wanted.onset - APART_SECONDS, wanted.onset + APART_SECONDS
    with_it = (wanted.except_for, to_bytes(wanted.entity), earliest, latest, _ENDLESS, wanted.onset)
    rows = yield Statement(
        f"SELECT {_PAST} FROM brain_causes "  # noqa: S608
        f"WHERE {condition} AND incident_id <> ? AND received_at >= ? AND received_at < ? "
        f"AND shared_id NOT IN ({_WITH_IT}) ORDER BY received_at DESC, incident_id LIMIT ?",
        (*params, wanted.except_for, wanted.after, wanted.before, *with_it, wanted.limit),
    )
    return [_to_past(row) for row in rows]


def _to_past(row: Sequence[Any]) -> PastIncident:
    incident_id, entity, fault_kind, shared_id, document = row
    outline = msgspec.json.decode(document, type=Outline)
    return PastIncident(
        incident_id=incident_id,
        entity=bytes(entity).decode(),
        fault_kind=bytes(fault_kind).decode(),
        title=outline.title,
        opened_at=outline.opened_at,
        closed_at=outline.closed_at,
        signals=outline.signals,
        confirmed=outline.confirmed,
        fix=outline.fix,
        cause_id=shared_id,
    )


def _leading(incident: Incident, analysis: Analysis | None) -> _Leading | None:
    causes = analysis.causes if analysis else ()
    confirmed = incident.confirmed
    if confirmed is None:
        left = next((cause for cause in causes if cause.entity not in incident.rejected), None)
        return _of_cause(incident, left, None) if left else None
    listed = next((cause for cause in causes if cause.entity == confirmed.entity), None)
    if listed is None:
        listed = Cause(rank=1, entity=confirmed.entity, fault_kind=confirmed.fault_kind or "unknown", probability=1.0)
    return _of_cause(incident, listed, confirmed)


def _of_cause(incident: Incident, cause: Cause, confirmed: Feedback | None) -> _Leading:
    signals = {signal[:_MAX_SIGNAL] for signal in cause.signals}
    return _Leading(
        entity=cause.entity,
        fault_kind=(confirmed.fault_kind if confirmed else "") or cause.fault_kind,
        onset=incident.onset_of(cause),
        is_sure=confirmed is not None or cause.probability >= SURE,
        outline=Outline(
            title=incident.title[:_MAX_TITLE],
            opened_at=incident.opened_at,
            closed_at=incident.closed_at,
            signals=tuple(sorted(signals)[:_MAX_SIGNALS]),
            confirmed=confirmed is not None,
            fix=confirmed.fix[:_MAX_FIX] if confirmed else "",
        ),
    )


def _kind(entity: str) -> str:
    try:
        return Entity.parse(entity).kind.value
    except InputError:
        return ""


def _lock(entity: bytes) -> int:
    """A number of 63 bits for the entity; two of one number only wait for each other."""
    return int.from_bytes(hashlib.sha256(b"brain_causes:" + entity).digest()[:8]) >> 1


def _new_id(entity: bytes, incident_id: str) -> str:
    return hashlib.sha256(entity + b":" + incident_id.encode()).hexdigest()[:16]
