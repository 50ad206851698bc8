"""What a notification does to the incidents of its group; pure, so that every store decides alike.

Called by ``transactions.accept`` inside the transaction that holds the group. Nothing here reads a clock or a
database: the rows come in, the new rows go out. When work becomes due is in ``work.py``.

Peers of one Alertmanager cluster repeat each other, late and out of order. Two rules keep that harmless: the
state of an alert only moves forward (a later ``starts_at``, or firing to resolved), and what a recently
closed episode already knew cannot open or close another one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.dating import began
from brain_rca.model import Alert, AlertGroup, AnalysisState, Incident, IncidentStatus, Severity
from brain_rca.store.protocol import Notification, Outcome

GRACE_SECONDS = 300.0
"""How long a late copy may travel: Alertmanager's default ``group_interval``, the longest it retries a
webhook."""

MAX_ALERTS = 5_000
"""Members of one incident; bounds its document (a few MB). Further ones count in ``truncated_alerts``."""

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_FIRING = "firing"
_RESOLVED = "resolved"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as the decisions need it: without analysis and deliveries, which are rows of their own.

    Attributes:
        incident: The document; its ``analysis`` and ``deliveries`` are empty.
        content: Grows whenever alerts, severity or status change; a worker compares it to know what it
            missed.
        analysed_content: The ``content`` that the last finished analysis saw; 0 before the first.
        last_analysis_at: When it finished.
        closing_received_at: When the closing notification came; None while open.
    """

    incident: Incident
    content: int = 1
    analysed_content: int = 0
    last_analysis_at: float | None = None
    closing_received_at: float | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to write.

    Attributes:
        outcome: What to answer.
        record: The row to insert (OPENED) or to update; None when nothing is written.
        new_fingerprints: Alerts that became members.
        analysis_due_at: When the judgement shall be due at the latest; None: not asked for.
        urgent: The cooldown does not hold this judgement back.
    """

    outcome: Outcome
    record: Record | None = None
    new_fingerprints: tuple[str, ...] = ()
    analysis_due_at: float | None = None
    urgent: bool = False


def identity(group: AlertGroup) -> str:
    """The group's name in the database: 64 hex digits over source, receiver and group key.

    The three are joined as a JSON array, so that no character in one can imitate a border.
    """
    joined = json.dumps([group.source, group.receiver, group.group_key])
    return hashlib.sha256(joined.encode()).hexdigest()


def incident_id(group_identity: str, episode: int) -> str:
    """16 hex digits, the same for the same episode of the same group, on any replica and in any replay."""
    return hashlib.sha256(f"{group_identity}:{episode}".encode()).hexdigest()[:16]


def check(notification: Notification) -> None:
    """Refuse what could not be read back: JSON has no infinity.

    Raises:
        InputError: A time is not finite.
    """
    times = [notification.received_at, notification.due_at]
    for alert in notification.group.alerts:
        times += [alert.starts_at, alert.ends_at or 0.0]
    if not all(map(math.isfinite, times)):
        raise InputError("notification: every time must be a finite number of seconds")


def decide(
    notification: Notification,
    group_identity: str,
    last_episode: int,
    current: Record | None,
    recent: Sequence[Incident],
    cooldown_seconds: float,
) -> Decision:
    """Choose what the notification does.

    Args:
        notification: What came.
        group_identity: ``identity`` of its group.
        last_episode: The newest episode the group ever had; 0 when none.
        current: The open incident of the group, if any.
        recent: Its episodes closed by a notification less than ``GRACE_SECONDS`` before.
        cooldown_seconds: The least time between the end of an analysis and the next one.
    """
    if notification.group.status == _RESOLVED:
        return _resolved(notification, current, recent)
    if current is not None:
        return _firing(notification, current, cooldown_seconds)
    firing = [alert for alert in notification.group.alerts if alert.status == _FIRING]
    if not firing or any(_knows(incident, firing) for incident in recent):
        return Decision(outcome=Outcome.IGNORED)
    return _opened(notification, group_identity, last_episode + 1)


def _opened(notification: Notification, group_identity: str, episode: int) -> Decision:
    group = notification.group
    merged = _merge((), group.alerts, notification.received_at)
    incident = Incident(
        id=incident_id(group_identity, episode),
        source=group.source,
        receiver=group.receiver,
        group_key=group.group_key,
        group_hash=group_identity[:12],
        episode=episode,
        status=IncidentStatus.OPEN,
        severity=notification.severity,
        opened_at=min(began(alert.starts_at, notification.received_at) for alert in merged.alerts),
        received_at=notification.received_at,
        last_heard_at=notification.received_at,
        alerts=merged.alerts,
        group_labels=group.group_labels,
        truncated_alerts=group.truncated_alerts + merged.overflow,
        notifications=1,
        revision=1,
    )
    return Decision(
        outcome=Outcome.OPENED,
        record=Record(incident=incident),
        new_fingerprints=merged.new,
        analysis_due_at=notification.due_at,
    )


def _firing(notification: Notification, current: Record, cooldown_seconds: float) -> Decision:
    old = current.incident
    merged = _merge(old.alerts, notification.group.alerts, notification.received_at)
    truncated = max(old.truncated_alerts, notification.group.truncated_alerts + merged.overflow)
    raised = _RANK[notification.severity] > _RANK[old.severity]
    incident = replace(
        _heard(old, notification),
        alerts=merged.alerts,
        truncated_alerts=truncated,
        severity=notification.severity if raised else old.severity,
        opened_at=min([old.opened_at, *(began(alert.starts_at, notification.received_at) for alert in merged.alerts)]),
    )
    if not (merged.changed or raised or truncated > old.truncated_alerts):
        hurry = notification.due_at if _hurries(notification, current) else None
        return Decision(outcome=Outcome.DUPLICATE, record=replace(current, incident=incident), analysis_due_at=hurry)
    urgent = raised and notification.severity is Severity.CRITICAL
    return Decision(
        outcome=Outcome.JOINED,
        record=_changed(current, replace(incident, analysis_state=AnalysisState.PENDING)),
        new_fingerprints=merged.new,
        analysis_due_at=_due_at(notification, current, urgent, cooldown_seconds),
        urgent=urgent,
    )


def _hurries(notification: Notification, current: Record) -> bool:
    """Whether it ends the wait for the rest of a storm: somebody wants the first judgement now."""
    return current.last_analysis_at is None and notification.due_at <= notification.received_at


def _due_at(notification: Notification, current: Record, urgent: bool, cooldown_seconds: float) -> float:
    if urgent or current.last_analysis_at is None:
        return notification.due_at
    return max(notification.due_at, current.last_analysis_at + cooldown_seconds)


def _resolved(notification: Notification, current: Record | None, recent: Sequence[Incident]) -> Decision:
    if current is None:
        return Decision(outcome=Outcome.IGNORED)
    old = current.incident
    counted = _heard(old, notification)
    if _is_late_closing(notification, old, recent):
        return Decision(outcome=Outcome.DUPLICATE, record=replace(current, incident=counted))
    merged = _merge(old.alerts, notification.group.alerts, notification.received_at)
    closed_at = _closed_at(notification, old)
    incident = replace(
        counted,
        status=IncidentStatus.RESOLVED,
        closed_at=closed_at,
        alerts=tuple(_ended(alert, closed_at) for alert in merged.alerts),
    )
    record = replace(_changed(current, incident), closing_received_at=notification.received_at)
    return Decision(outcome=Outcome.CLOSED, record=record, new_fingerprints=merged.new)


def close_silent(current: Record, at: float) -> Record:
    """The incident closed without a notification: none came for so long that none will."""
    incident = replace(
        current.incident,
        status=IncidentStatus.RESOLVED,
        closed_at=at,
        closed_for_silence=True,
        alerts=tuple(_ended(alert, at) for alert in current.incident.alerts),
    )
    return replace(_changed(current, incident), closing_received_at=at)


def _heard(incident: Incident, notification: Notification) -> Incident:
    return replace(
        incident,
        notifications=incident.notifications + 1,
        last_heard_at=max(incident.last_heard_at, notification.received_at),
    )


def _is_late_closing(notification: Notification, open_incident: Incident, recent: Sequence[Incident]) -> bool:
    """Whether it says only what was over before: the end of an earlier episode, or of an earlier firing."""
    members = {alert.fingerprint: alert for alert in open_incident.alerts}

    def is_old(alert: Alert) -> bool:
        member = members.get(alert.fingerprint)
        if member is None:
            return any(_knows(incident, [alert]) for incident in recent)
        return _end(alert, notification.received_at) < member.starts_at

    alerts = notification.group.alerts
    return bool(alerts) and all(map(is_old, alerts))


def _closed_at(notification: Notification, incident: Incident) -> float:
    """When the last alert ended, kept between the opening and now: the sender's clock may be wrong."""
    ends = [alert.ends_at for alert in notification.group.alerts if alert.ends_at is not None]
    latest = min(max(ends, default=notification.received_at), notification.received_at)
    return max(latest, min(incident.opened_at, notification.received_at))


def _ended(alert: Alert, at: float) -> Alert:
    """A resolved group has no firing member, whether or not its last state was seen."""
    if alert.status == _RESOLVED:
        return alert
    return replace(alert, status=_RESOLVED, ends_at=max(at, alert.starts_at))


def _changed(current: Record, incident: Incident) -> Record:
    revised = replace(incident, revision=incident.revision + 1)
    return replace(current, incident=revised, content=current.content + 1)


def _knows(incident: Incident, alerts: Sequence[Alert]) -> bool:
    """Whether each of ``alerts`` is a member, in this state or a later one."""
    starts = {alert.fingerprint: alert.starts_at for alert in incident.alerts}
    return all(alert.starts_at <= starts.get(alert.fingerprint, -math.inf) for alert in alerts)


class _Merged(msgspec.Struct, frozen=True):
    alerts: tuple[Alert, ...]
    changed: bool
    new: tuple[str, ...]
    overflow: int


def _merge(known: Sequence[Alert], incoming: Sequence[Alert], received_at: float) -> _Merged:
    """Bring the members up to date; members keep their order, new ones come last."""
    members = {alert.fingerprint: alert for alert in known}
    new: list[str] = []
    overflow: set[str] = set()
    changed = False
    for alert in incoming:
        old = members.get(alert.fingerprint)
        if old is None and len(members) >= MAX_ALERTS:
            overflow.add(alert.fingerprint)
        elif old is None:
            new.append(alert.fingerprint)
            members[alert.fingerprint] = alert
        elif _is_news(alert, old, received_at):
            changed = True
            members[alert.fingerprint] = _succeed(alert, old)
        elif _is_same_firing(alert, old):
            members[alert.fingerprint] = alert  # annotations carry values that move at every evaluation
    return _Merged(tuple(members.values()), changed or bool(new), tuple(new), len(overflow))


def _is_news(alert: Alert, old: Alert, received_at: float) -> bool:
    """Whether it is a later state of the member: replaying any earlier state must change nothing."""
    if alert.status == _RESOLVED and old.status == _FIRING:
        return alert.starts_at == old.starts_at or _end(alert, received_at) > old.starts_at
    if alert.status == _RESOLVED or old.status == _FIRING:
        return alert.starts_at > old.starts_at
    ended_at = _end(old, received_at)
    if alert.starts_at > old.starts_at and alert.starts_at >= ended_at:
        return True
    # Firing since before its end: Alertmanager had lost sight of it, unless this may be a late copy.
    return received_at > ended_at + GRACE_SECONDS


def _succeed(alert: Alert, old: Alert) -> Alert:
    """The later state; its start never goes back, though replicas of Prometheus differ about it."""
    return replace(alert, starts_at=max(alert.starts_at, old.starts_at))


def _is_same_firing(alert: Alert, old: Alert) -> bool:
    return alert.status == old.status == _FIRING and alert.starts_at == old.starts_at


def _end(alert: Alert, default: float) -> float:
    return default if alert.ends_at is None else alert.ends_at
