"""Rows of the tables as the words of the model, and back; the statements that several transactions share.

Called by ``transactions.py`` only. Nothing here decides anything, and nothing here talks to a database:
functions yield statements, the runner in ``sqlite.py`` or ``postgres.py`` sends back their rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.model import Analysis, Delivery, DeliveryState, Feedback, Incident, SharedCause, SharedMember
from brain_rca.store.merge import Record
from brain_rca.store.work import Work

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")


class Statement(NamedTuple):
    """SQL with ``?`` placeholders and the marks of ``schema.Dialect``; ``many``: once for each row of
    ``params``.
    """

    sql: str
    params: Sequence[Any] = ()
    many: bool = False


Script: TypeAlias = Generator[Statement, list[Row], T]


class Stored(NamedTuple):
    """An incident as its rows hold it; ``assemble`` makes it whole."""

    id: str
    core: bytes
    analysis: bytes | None
    revision: int
    deliveries: Sequence[bytes]
    feedback: Sequence[bytes] = ()
    cause_id: str = ""
    shared: SharedCause | None = None


def assemble(stored: Stored) -> Incident:
    """The incident with its analysis and deliveries. Costs milliseconds for a large one."""
    deliveries = [msgspec.json.decode(document, type=Delivery) for document in stored.deliveries]
    return replace(
        msgspec.json.decode(stored.core, type=Incident),
        analysis=None if stored.analysis is None else msgspec.json.decode(stored.analysis, type=Analysis),
        revision=stored.revision,
        deliveries=tuple(sorted(deliveries, key=lambda delivery: delivery.sink)),
        feedback=tuple(msgspec.json.decode(document, type=Feedback) for document in stored.feedback),
        cause_id=stored.cause_id,
        shared=stored.shared,
    )


RECORD = "core, revision, content, analysed_content, last_analysis_at, closing_received_at"
WORK = "due_at, ready_at, token, again_at, urgent, claimed_content, first_attempt_at, delivery"
Works: TypeAlias = dict[bytes, tuple[Work, bytes | None]]


def encode(document: msgspec.Struct) -> bytes:
    """The document as JSON.

    Raises:
        InputError: A text in it is no Unicode (a lone surrogate).
    """
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError as error:
        raise InputError(f"a text is not valid Unicode: {error.reason}") from error


def to_bytes(text: str) -> bytes:
    """The text as UTF-8.

    Raises:
        InputError: It is no Unicode (a lone surrogate).
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a text is not valid Unicode: {error.reason}") from error


def fingerprint_key(fingerprint: str) -> bytes:
    """Of fixed length: a fingerprint comes from outside and may be too long for an index."""
    return hashlib.sha256(to_bytes(fingerprint)).digest()[:16]


def to_record(row: Row) -> Record:
    core, revision, content, analysed_content, last_analysis_at, closing_received_at = row
    return Record(
        incident=replace(msgspec.json.decode(core, type=Incident), revision=revision),
        content=content,
        analysed_content=analysed_content,
        last_analysis_at=last_analysis_at,
        closing_received_at=closing_received_at,
    )


def to_work(columns: Sequence[Any]) -> Work:
    due_at, ready_at, token, again_at, urgent, claimed_content, first_attempt_at, _ = columns
    return Work(
        due_at=due_at,
        ready_at=ready_at,
        token=token,
        again_at=again_at,
        urgent=bool(urgent),
        claimed_content=claimed_content,
        first_attempt_at=first_attempt_at,
    )


def to_delivery(document: bytes) -> Delivery:
    return msgspec.json.decode(document, type=Delivery)


def insert_members(incident: Incident, fingerprints: Sequence[str]) -> Script[None]:
    """Many rows a statement: one statement for each would be most of the cost of an accept."""
    for start in range(0, len(fingerprints), _MEMBERS_AT_ONCE):
        chunk = fingerprints[start : start + _MEMBERS_AT_ONCE]
        marks = ", ".join(["(?, ?, ?)"] * len(chunk))
        yield Statement(
            f"INSERT INTO brain_members (fingerprint, incident_id, received_at) VALUES {marks} "  # noqa: S608
            "ON CONFLICT (fingerprint, incident_id) DO NOTHING",
            [part for text in chunk for part in (fingerprint_key(text), incident.id, incident.received_at)],
        )


def insert_record(record: Record, identity: str) -> Script[None]:
    incident = record.incident
    document = encode(incident)
    [(change,)] = yield Statement("{next_change}")
    yield Statement(
        "INSERT INTO brain_incidents (id, identity, episode, received_at, content, analysed_content, "
        "revision, change, core) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            incident.id,
            identity,
            incident.episode,
            incident.received_at,
            record.content,
            record.analysed_content,
            incident.revision,
            change,
            document,
        ),
    )


def update_record(record: Record) -> Script[None]:
    incident = record.incident
    document = encode(incident)
    [(change,)] = yield Statement("{next_change}")
    yield Statement(
        "UPDATE brain_incidents SET core = ?, closing_received_at = ?, content = ?, analysed_content = ?, "
        "last_analysis_at = ?, revision = ?, change = ? WHERE id = ?",
        (
            document,
            record.closing_received_at,
            record.content,
            record.analysed_content,
            record.last_analysis_at,
            incident.revision,
            change,
            incident.id,
        ),
    )


def works_of(incident_id: str, only: bytes | None = None) -> Script[Works]:
    """The incident's work by queue, held."""
    condition, params = ("", (incident_id,)) if only is None else ("AND queue = ?", (incident_id, only))
    rows = yield Statement(
        f"SELECT queue, {WORK} FROM brain_work WHERE incident_id = ? {condition} "  # noqa: S608
        "ORDER BY queue {lock}",
        params,
    )
    return {bytes(queue): (to_work(columns), columns[-1]) for queue, *columns in rows}


_MEMBERS_AT_ONCE = 100
_SAVE_WORK = (
    "INSERT INTO brain_work (incident_id, queue, due_at, ready_at, token, again_at, urgent, "
    "claimed_content, first_attempt_at, unsettled, delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (incident_id, queue) DO UPDATE SET due_at = excluded.due_at, "
    "ready_at = excluded.ready_at, token = excluded.token, again_at = excluded.again_at, "
    "urgent = excluded.urgent, claimed_content = excluded.claimed_content, "
    "first_attempt_at = excluded.first_attempt_at, unsettled = CASE WHEN excluded.delivery IS NULL "
    "THEN brain_work.unsettled ELSE excluded.unsettled END, "
    "delivery = coalesce(excluded.delivery, brain_work.delivery)"
)


def save_work(incident_id: str, queue: bytes, item: Work, delivery: Delivery | None = None) -> Script[None]:
    """Write one row of work; without ``delivery`` the one that is there stays."""
    unsettled = int(delivery is not None and delivery.state is DeliveryState.PENDING)
    document = None if delivery is None else encode(delivery)
    yield Statement(
        _SAVE_WORK,
        (
            incident_id,
            queue,
            item.due_at,
            item.ready_at,
            item.token,
            item.again_at,
            int(item.urgent),
            item.claimed_content,
            item.first_attempt_at,
            unsettled,
            document,
        ),
    )


def load(where: str, params: Sequence[Any]) -> Script[list[Stored]]:
    """Incidents with their deliveries, feedback and shared causes, in the order that ``where`` ends with."""
    rows = yield Statement(
        f"SELECT id, core, analysis, revision FROM brain_incidents {where}",  # noqa: S608 (written in this file)
        params,
    )
    if not rows:
        return []
    ids = [row[0] for row in rows]
    deliveries = yield from _documents(ids, "SELECT incident_id, delivery FROM brain_work", "AND delivery IS NOT NULL")
    feedback = yield from _documents(ids, "SELECT incident_id, document FROM brain_feedback", "ORDER BY entity")
    cause_ids = yield from _cause_ids(ids)
    shared = yield from _shared_by(sorted(set(cause_ids.values())))
    return [
        Stored(
            key,
            core,
            analysis,
            revision,
            deliveries[key],
            feedback[key],
            cause_ids.get(key, ""),
            shared.get(cause_ids.get(key, "")),
        )
        for key, core, analysis, revision in rows
    ]


def feedback_of(incident_id: str) -> Script[tuple[Feedback, ...]]:
    """What was said about the causes of one incident, by entity."""
    rows = yield Statement("SELECT document FROM brain_feedback WHERE incident_id = ? ORDER BY entity", (incident_id,))
    return tuple(msgspec.json.decode(document, type=Feedback) for (document,) in rows)


def _documents(ids: Sequence[str], select: str, rest: str) -> Script[dict[str, list[bytes]]]:
    found: dict[str, list[bytes]] = {key: [] for key in ids}
    for key, document in (yield Statement(f"{select} WHERE incident_id IN ({marks(ids)}) {rest}", ids)):
        found[key].append(document)
    return found


SHARED_SHOWN = 20
"""Members told of one shared cause: a storm may have thousands."""

_MEMBERS = """
SELECT members.shared_id, entity, total, members.incident_id, outline, members.received_at, is_open FROM (
    SELECT shared_id, incident_id, received_at,
        CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END AS is_open,
        count(*) OVER (PARTITION BY shared_id) AS total,
        row_number() OVER (PARTITION BY shared_id ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END,
            received_at, incident_id) AS place
    FROM brain_causes WHERE shared_id IN ({marks})
) AS members JOIN brain_causes AS causes ON causes.incident_id = members.incident_id
WHERE total > 1 AND place <= ? ORDER BY members.shared_id, place
"""
"""The inner question reads an index only: in a storm thousands have one cause, and each of them is read often."""


def _cause_ids(ids: Sequence[str]) -> Script[dict[str, str]]:
    """By incident, of those whose cause is sure enough."""
    rows = yield Statement(
        f"SELECT incident_id, shared_id FROM brain_causes WHERE incident_id IN ({marks(ids)}) "  # noqa: S608
        "AND shared_id <> ''",
        ids,
    )
    return {row[0]: row[1] for row in rows}


def _shared_by(cause_ids: Sequence[str]) -> Script[dict[str, SharedCause]]:
    """By cause, those that more than one incident has."""
    if not cause_ids:
        return {}
    members = yield Statement(_MEMBERS.replace("{marks}", marks(cause_ids)), (*cause_ids, SHARED_SHOWN))
    shared: dict[str, SharedCause] = {}
    for name, entity, total, *member in members:
        one = shared.get(name, SharedCause(id=name, entity=bytes(entity).decode(), total=total, members=()))
        shared[name] = replace(one, members=(*one.members, _member(member)))
    return shared


def _member(columns: Sequence[Any]) -> SharedMember:
    incident_id, outline, received_at, is_open = columns
    title = msgspec.json.decode(outline, type=Outline).title
    return SharedMember(incident_id=incident_id, title=title, received_at=received_at, open=bool(is_open))


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an incident where only its cause is looked at."""

    title: str
    opened_at: float
    signals: tuple[str, ...] = ()  # of the cause's findings, sorted
    confirmed: bool = False
    fix: str = ""
    closed_at: float | None = None  # by the clock of who sent the alerts, as ``opened_at``


def marks(values: Sequence[object]) -> str:
    """A placeholder for each."""
    return ", ".join("?" * len(values))
