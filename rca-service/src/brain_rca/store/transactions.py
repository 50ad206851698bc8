"""Every transaction of the store, written once, without I/O.

A transaction is a generator: it yields statements, is sent their rows, and returns its result. ``sqlite.py``
runs it in its writer thread, ``postgres.py`` on a connection of its pool; so the two differ in how they talk
to a database and in nothing else. The decisions are in ``merge.py`` (what a notification does) and
``work.py`` (when work is due).

Order of locks, the same everywhere: group, incident, work, cause, change number. ``claim`` starts at the work and
never waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.model import Analysis, AnalysisState, Delivery, DeliveryState
from brain_rca.store import audit, causes, merge, work
from brain_rca.store.merge import Record
from brain_rca.store.protocol import (
    Acceptance,
    AnalysisClaim,
    AuditEntry,
    DeliveryClaim,
    Notification,
    QueueDepths,
)
from brain_rca.store.rows import (
    RECORD,
    WORK,
    Script,
    Statement,
    Stored,
    Works,
    encode,
    feedback_of,
    fingerprint_key,
    insert_members,
    insert_record,
    load,
    marks,
    save_work,
    to_bytes,
    to_delivery,
    to_record,
    to_work,
    update_record,
    works_of,
)
from brain_rca.store.work import Work

_ANALYSIS = b"analysis"
_SINK = b"sink:"
_MAX_ERROR_CHARACTERS = 2_000
_SILENCE_BATCH = 50
"""Open incidents looked at in one transaction; a document may have a few MB."""
_PRUNE_BATCH = 200
"""Incidents deleted in one transaction, so that a large clean-up does not hold up the intake."""


class Place(NamedTuple):
    """Where to go on among the open incidents, oldest first."""

    received_at: float
    id: str


class Swept(NamedTuple):
    """What one batch of ``close_silent`` did."""

    closed: int
    reached: Place | None  # None: that was all


class _Heard(msgspec.Struct):
    """The one field of an incident that tells silence, so that the rest is not decoded."""

    last_heard_at: float = 0.0


class Claimed(NamedTuple):
    """A lease just taken."""

    stored: Stored
    token: str
    delivery: bytes | None
    first_attempt_at: float


def accept(notification: Notification, cooldown_seconds: float) -> Script[Acceptance]:
    """See ``Store.accept``. Holding the group's row makes concurrent copies of one notification wait."""
    merge.check(notification)
    identity = merge.identity(notification.group)
    [(last_episode,)] = yield Statement(
        "INSERT INTO brain_groups (identity, last_episode) VALUES (?, 0) ON CONFLICT (identity) "
        "DO UPDATE SET last_episode = brain_groups.last_episode RETURNING last_episode",
        (identity,),
    )
    episodes = yield from _episodes(identity, notification.received_at - merge.GRACE_SECONDS)
    current = next((record for record in episodes if record.closing_received_at is None), None)
    # After a silence no late copy is on its way: what comes says that the alerts fire still.
    recent = [
        record.incident
        for record in episodes
        if record.closing_received_at is not None and not record.incident.closed_for_silence
    ]
    decision = merge.decide(notification, identity, last_episode, current, recent, cooldown_seconds)
    if decision.record is None:
        return Acceptance(incident_id="", outcome=decision.outcome)
    yield from _carry_out(decision, notification, current, identity)
    return Acceptance(incident_id=decision.record.incident.id, outcome=decision.outcome)


def _episodes(identity: str, closed_after: float) -> Script[list[Record]]:
    """The open episode and the last few that closed just before."""
    rows = yield Statement(
        f"SELECT {RECORD} FROM brain_incidents WHERE identity = ? AND "  # noqa: S608 (a constant of this file)
        "(closing_received_at IS NULL OR closing_received_at > ?) ORDER BY episode DESC LIMIT 4 {lock}",
        (identity, closed_after),
    )
    return [to_record(row) for row in rows]


def _carry_out(
    decision: merge.Decision, notification: Notification, current: Record | None, identity: str
) -> Script[None]:
    record = decision.record
    assert record is not None
    incident = record.incident
    if current is not None and current.content == record.content:
        yield Statement("UPDATE brain_incidents SET core = ? WHERE id = ?", (encode(incident), incident.id))
        if decision.analysis_due_at is not None:
            yield from _ask_analysis(decision)
        return
    yield from insert_members(incident, decision.new_fingerprints)
    if current is None:
        yield Statement("UPDATE brain_groups SET last_episode = ? WHERE identity = ?", (incident.episode, identity))
        asked = work.ask(Work(), notification.due_at)
        yield from save_work(incident.id, _ANALYSIS, asked)
        yield from insert_record(record, identity)
        return
    if record.closing_received_at is None:
        yield from _ask_analysis(decision)
    else:
        yield from _publish_closing(current, record)
    yield from update_record(record)


def _ask_analysis(decision: merge.Decision) -> Script[None]:
    assert decision.record is not None
    assert decision.analysis_due_at is not None
    incident_id = decision.record.incident.id
    works = yield from works_of(incident_id, _ANALYSIS)
    asked = work.ask(works[_ANALYSIS][0], decision.analysis_due_at, urgent=decision.urgent)
    yield from save_work(incident_id, _ANALYSIS, asked)


def _publish_closing(current: Record, closed: Record) -> Script[None]:
    """Tell every sink at once. A judgement that only refreshes the last one is dropped, one still owed is
    not.
    """
    at = closed.closing_received_at
    assert at is not None
    works = yield from works_of(current.incident.id)
    yield from causes.close(closed.incident, at)
    for queue, (item, delivery) in works.items():
        if delivery is not None:
            yield from save_work(current.incident.id, queue, work.ask_anew(item, at), _unsettled(to_delivery(delivery)))
        elif current.content == current.analysed_content:
            yield from save_work(current.incident.id, queue, work.drop(item))


def claim_analysis(token: str, now: float, lease_seconds: float) -> Script[Claimed | None]:
    """See ``Store.claim_analysis``."""
    return (yield from _claim(_ANALYSIS, token, now, lease_seconds))


def claim_delivery(sink: str, token: str, now: float, lease_seconds: float) -> Script[Claimed | None]:
    """See ``Store.claim_delivery``."""
    return (yield from _claim(_SINK + to_bytes(sink), token, now, lease_seconds))


def _claim(queue: bytes, token: str, now: float, lease_seconds: float) -> Script[Claimed | None]:
    rows = yield Statement(
        f"SELECT incident_id, {WORK} FROM brain_work WHERE queue = ? AND ready_at <= ? "  # noqa: S608
        "ORDER BY due_at, incident_id LIMIT 1 {skip_locked}",
        (queue, now),
    )
    if not rows:
        return None
    incident_id, *columns = rows[0]
    [(content, *_)] = yield Statement("SELECT content FROM brain_incidents WHERE id = ?", (incident_id,))
    claimed = work.claim(to_work(columns), token, now, lease_seconds, content)
    yield from save_work(incident_id, queue, claimed)
    [stored] = yield from load("WHERE id = ?", (incident_id,))
    assert claimed.first_attempt_at is not None
    return Claimed(stored, token, columns[-1], claimed.first_attempt_at)


def free_analyses() -> Script[None]:
    """Judgements of workers that are known to be dead are due as they were.

    Deliveries keep their leases: what the dead worker sent may still be on its way, and a second attempt before it has
    arrived would not find it there.
    """
    yield Statement("UPDATE brain_work SET ready_at = due_at WHERE queue = ? AND token <> ''", (_ANALYSIS,))


def finish_analysis(
    claim: AnalysisClaim,
    analysis: Analysis,
    now: float,
    sinks: Sequence[str],
    next_due_at: float | None,
    cooldown_seconds: float,
) -> Script[bool]:
    """See ``Store.finish_analysis``."""
    document = encode(analysis)
    _check_readable(document)
    held = yield from _held(claim.incident.id, _ANALYSIS, claim.token)
    if held is None:
        return False
    record, works = held
    item = works[_ANALYSIS][0]
    is_current = item.claimed_content == record.content
    incident = replace(
        record.incident,
        analysis_state=AnalysisState.DONE if is_current else AnalysisState.PENDING,
        analysis_error="",
        revision=record.incident.revision + 1,
    )
    planned_at = next_due_at if record.closing_received_at is None else None
    yield from save_work(incident.id, _ANALYSIS, work.after_analysis(item, now, cooldown_seconds, planned_at))
    yield from _ask_sinks(incident.id, works, sinks, now)
    yield Statement("UPDATE brain_incidents SET analysis = ? WHERE id = ?", (document, incident.id))
    yield from causes.place(record, analysis, (yield from feedback_of(incident.id)))
    yield from update_record(
        replace(record, incident=incident, analysed_content=item.claimed_content, last_analysis_at=now)
    )
    return True


def _ask_sinks(incident_id: str, works: Works, sinks: Sequence[str], now: float) -> Script[None]:
    for sink in sinks:
        queue = _SINK + to_bytes(sink)
        item, document = works.get(queue, (Work(), None))
        delivery = Delivery(sink=sink, state=DeliveryState.PENDING) if document is None else to_delivery(document)
        yield from save_work(incident_id, queue, work.ask_anew(item, now), _unsettled(delivery))


def fail_analysis(claim: AnalysisClaim, error: str, retry_at: float) -> Script[None]:
    """See ``Store.fail_analysis``."""
    held = yield from _held(claim.incident.id, _ANALYSIS, claim.token)
    if held is None:
        return
    record, works = held
    failed = work.after_failed_analysis(works[_ANALYSIS][0], retry_at)
    yield from save_work(record.incident.id, _ANALYSIS, failed)
    incident = replace(
        record.incident,
        analysis_state=AnalysisState.FAILED,
        analysis_error=error[:_MAX_ERROR_CHARACTERS],
        revision=record.incident.revision + 1,
    )
    yield from update_record(replace(record, incident=incident))


def finish_delivery(claim: DeliveryClaim, delivery: Delivery, next_due_at: float | None, now: float) -> Script[bool]:
    """See ``Store.finish_delivery``. What people can see makes a new revision, a mere refresh does not."""
    queue = _SINK + to_bytes(claim.sink)
    held = yield from _held(claim.incident.id, queue, claim.token)
    if held is None:
        return False
    record, works = held
    item, old = works[queue]
    after = work.after_delivery(item, delivery.state, now, next_due_at, record.content)
    is_stale = work.is_outdated(item, record.content) and delivery.state is DeliveryState.DONE
    kept = replace(
        delivery,
        sink=claim.sink,
        state=DeliveryState.PENDING if is_stale else delivery.state,
        error=delivery.error[:_MAX_ERROR_CHARACTERS],
    )
    yield from save_work(claim.incident.id, queue, after, kept)
    if old is None or _visible(to_delivery(old)) != _visible(kept):
        [(change,)] = yield Statement("{next_change}")
        yield Statement(
            "UPDATE brain_incidents SET revision = revision + 1, change = ? WHERE id = ?",
            (change, claim.incident.id),
        )
    return True


def _visible(delivery: Delivery) -> Delivery:
    return replace(delivery, updated_at=0.0)


def _unsettled(delivery: Delivery) -> Delivery:
    """Still to be done; what the sink calls it, the last error and the last attempt's time are kept.

    The time is what the least interval between two publications counts from: moved on by every new judgement, it
    would put the publication off for as long as a storm lasts.
    """
    return replace(delivery, state=DeliveryState.PENDING)


def get(incident_id: str) -> Script[list[Stored]]:
    """One incident, or none."""
    return (yield from load("WHERE id = ?", (incident_id,)))


def by_fingerprint(fingerprint: str) -> Script[list[Stored]]:
    """The newest incident with that member, or none."""
    rows = yield Statement(
        "SELECT incident_id FROM brain_members WHERE fingerprint = ? "
        "ORDER BY received_at DESC, incident_id DESC LIMIT 1",
        (fingerprint_key(fingerprint),),
    )
    return (yield from load("WHERE id = ?", rows[0])) if rows else []


def newest(limit: int, before: tuple[float, str] | None, only_open: bool) -> Script[list[Stored]]:
    """See ``Store.list``."""
    conditions, params = ["1 = 1"], []
    if before is not None:
        conditions.append("(received_at, id) < (?, ?)")
        params += [*before]
    if only_open:
        conditions.append("closing_received_at IS NULL")
    where = f"WHERE {' AND '.join(conditions)} ORDER BY received_at DESC, id DESC LIMIT ?"
    return (yield from load(where, (*params, limit)))


def changed_since(cursor: int, limit: int) -> Script[tuple[list[Stored], int]]:
    """See ``Store.changed_since``."""
    rows = yield Statement(
        "SELECT id, change FROM brain_incidents WHERE change > ? ORDER BY change LIMIT ?", (cursor, limit)
    )
    if not rows:
        return [], cursor
    loaded = yield from load(f"WHERE id IN ({marks(rows)})", [row[0] for row in rows])
    by_id = {stored.id: stored for stored in loaded}
    return [by_id[row[0]] for row in rows if row[0] in by_id], rows[-1][1]


def depths(now: float) -> Script[QueueDepths]:
    """See ``Store.depths``."""
    [(analyses, oldest)] = yield Statement(
        "SELECT count(*), min(due_at) FROM brain_work WHERE queue = ? AND due_at <= ?", (_ANALYSIS, now)
    )
    deliveries = yield Statement(
        "SELECT queue, count(*) FROM brain_work WHERE queue <> ? AND due_at IS NOT NULL "
        "AND (due_at <= ? OR unsettled = 1) GROUP BY queue ORDER BY queue",
        (_ANALYSIS, now),
    )
    [(open_incidents,)] = yield Statement("SELECT count(*) FROM brain_incidents WHERE closing_received_at IS NULL")
    return QueueDepths(
        analyses=analyses,
        deliveries={bytes(queue)[len(_SINK) :].decode(): count for queue, count in deliveries},
        open_incidents=open_incidents,
        oldest_due_at=oldest,
    )


def append_audit(
    writer: str, at: float, actor: str, action: str, incident_id: str, detail: Mapping[str, str]
) -> Script[AuditEntry]:
    """See ``Store.append_audit``. Holding the head's row makes concurrent entries of one writer wait."""
    key = to_bytes(writer)
    [(sequence, previous)] = yield Statement(
        "INSERT INTO brain_audit_heads (writer, sequence, digest) VALUES (?, 0, ?) ON CONFLICT (writer) "
        "DO UPDATE SET sequence = brain_audit_heads.sequence RETURNING sequence, digest",
        (key, audit.GENESIS),
    )
    entry = audit.seal(
        AuditEntry(
            writer=writer,
            sequence=sequence + 1,
            at=float(at),
            actor=actor,
            action=action,
            incident_id=incident_id,
            detail=dict(detail),
            previous=previous,
            digest="",
        )
    )
    yield Statement(
        "INSERT INTO brain_audit (writer, sequence, entry) VALUES (?, ?, ?)",
        (key, entry.sequence, encode(entry)),
    )
    yield Statement(
        "UPDATE brain_audit_heads SET sequence = ?, digest = ? WHERE writer = ?",
        (entry.sequence, entry.digest, key),
    )
    return entry


def read_audit(writer: str | None) -> Script[list[bytes]]:
    """The entries as JSON, by writer and sequence."""
    if writer is None:
        rows = yield Statement("SELECT entry FROM brain_audit ORDER BY writer, sequence")
    else:
        rows = yield Statement("SELECT entry FROM brain_audit WHERE writer = ? ORDER BY sequence", (to_bytes(writer),))
    return [bytes(row[0]) for row in rows]


def close_silent(heard_before: float, now: float, after: Place | None) -> Script[Swept]:
    """See ``Store.close_silent``. One that another transaction holds is left for the next time.

    All incidents are held before the first change number is taken, and in no other order than the others do.
    """
    rows = yield Statement(
        "SELECT received_at, id, core FROM brain_incidents WHERE closing_received_at IS NULL AND received_at < ? "
        "AND (received_at, id) > (?, ?) ORDER BY received_at, id LIMIT ?",
        (heard_before, *(after or (0.0, "")), _SILENCE_BATCH),
    )
    candidates = [row[1] for row in rows if _is_silent(row[2], heard_before)]
    held = yield from _hold_open(candidates)
    silent = [record for record in held if record.incident.last_heard_at < heard_before]
    unknown = [record for record in silent if not record.incident.last_heard_at]
    for record in unknown:
        heard = replace(record.incident, last_heard_at=now)
        yield Statement("UPDATE brain_incidents SET core = ? WHERE id = ?", (encode(heard), heard.id))
    closings = [(record, merge.close_silent(record, now)) for record in silent if record.incident.last_heard_at]
    for record, closed in closings:
        yield from _publish_closing(record, closed)
    for _, closed in closings:
        yield from update_record(closed)
    return Swept(len(closings), Place(*rows[-1][:2]) if len(rows) == _SILENCE_BATCH else None)


def _is_silent(core: bytes, heard_before: float) -> bool:
    return msgspec.json.decode(core, type=_Heard).last_heard_at < heard_before


def _hold_open(incident_ids: Sequence[str]) -> Script[list[Record]]:
    if not incident_ids:
        return []
    rows = yield Statement(
        f"SELECT {RECORD} FROM brain_incidents WHERE id IN ({marks(incident_ids)}) "  # noqa: S608 (a constant of this file)
        "AND closing_received_at IS NULL ORDER BY id {skip_locked}",
        incident_ids,
    )
    return [to_record(row) for row in rows]


def prune(closed_before: float) -> Script[int]:
    """Delete some incidents closed before; returns how many, 0 when none is left."""
    rows = yield Statement(
        "SELECT id FROM brain_incidents WHERE closing_received_at < ? ORDER BY closing_received_at LIMIT ? {lock}",
        (closed_before, _PRUNE_BATCH),
    )
    if rows:
        yield Statement("DELETE FROM brain_members WHERE incident_id = ?", rows, many=True)
        yield Statement("DELETE FROM brain_work WHERE incident_id = ?", rows, many=True)
        yield Statement("DELETE FROM brain_feedback WHERE incident_id = ?", rows, many=True)
        yield Statement("DELETE FROM brain_causes WHERE incident_id = ?", rows, many=True)
        yield Statement("DELETE FROM brain_incidents WHERE id = ?", rows, many=True)
    return len(rows)


def ping() -> Script[None]:
    """The cheapest question there is."""
    yield Statement("SELECT 1")


def _held(incident_id: str, queue: bytes, token: str) -> Script[tuple[Record, Works] | None]:
    """The incident and its work, both held, if the lease is still the caller's."""
    rows = yield Statement(
        f"SELECT {RECORD} FROM brain_incidents WHERE id = ? {{lock}}",  # noqa: S608 (a constant of this file)
        (incident_id,),
    )
    works = yield from works_of(incident_id)
    if not rows or queue not in works or works[queue][0].token != token:
        return None
    return to_record(rows[0]), works


def _check_readable(document: bytes) -> None:
    """Refuse an analysis that could not be read back: NaN and infinity have become ``null``."""
    try:
        msgspec.json.decode(document, type=Analysis)
    except msgspec.DecodeError as error:
        raise InputError(f"analysis: {error}") from error
