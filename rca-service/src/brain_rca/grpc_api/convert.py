"""From the service's own words to the messages of ``brain_api.rca.v1``, and from requests to groups of alerts.

``received`` reads incidents back; a message that is sent and received is the same incident.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.errors import InputError
from brain_rca.grpc_api.words import ANALYSIS, DELIVERY, FEEDBACK, SEVERITY, STATUS
from brain_rca.intake.payload import LAST_TIME, clean_map, fingerprint, is_fingerprint, truncated
from brain_rca.model import (
    Alert,
    AlertGroup,
    Analysis,
    Cause,
    Change,
    Delivery,
    Feedback,
    Finding,
    Incident,
    Proposal,
    SharedCause,
    SimilarIncident,
    Suspect,
)
from brain_rca.text import clean

_MOST_ALERTS = 5000
_FIRST_SECOND = -62135596800  # the beginning of the year 1, as google.protobuf.Timestamp says


class FieldError(InputError):
    """One field of a request is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def group_from(message: pb.AlertGroup, caller: str) -> AlertGroup:
    """A checked group.

    Raises:
        FieldError: A required field is missing, or one is out of bounds.
    """
    if not message.receiver:
        raise FieldError("receiver", "is required")
    if not 1 <= len(message.group_key) <= 4096:
        raise FieldError("group_key", "must have 1 to 4096 characters")
    if message.status not in ("firing", "resolved"):
        raise FieldError("status", "is neither 'firing' nor 'resolved'")
    if not 1 <= len(message.alerts) <= _MOST_ALERTS:
        raise FieldError("alerts", f"must have 1 to {_MOST_ALERTS} members")
    if len(message.source) > 64:
        raise FieldError("source", "has more than 64 characters")
    return AlertGroup(
        source=clean(message.source) or caller,
        receiver=clean(message.receiver),
        group_key=clean(message.group_key),
        status=message.status,
        alerts=tuple(_alert_from(place, alert) for place, alert in enumerate(message.alerts)),
        group_labels=clean_map(dict(message.group_labels)),
        common_labels=clean_map(dict(message.common_labels)),
        common_annotations=clean_map(dict(message.common_annotations)),
        external_url=clean(message.external_url),
        truncated_alerts=truncated(message.truncated_alerts),
    )


def _alert_from(place: int, message: pb.Alert) -> Alert:
    if message.status not in ("firing", "resolved"):
        raise FieldError(f"alerts[{place}].status", "is neither 'firing' nor 'resolved'")
    if not message.HasField("starts_at"):
        raise FieldError(f"alerts[{place}].starts_at", "is required")
    labels = clean_map(dict(message.labels))
    starts_at = _seconds(message.starts_at, f"alerts[{place}].starts_at")
    ends_at = _seconds(message.ends_at, f"alerts[{place}].ends_at")
    return Alert(
        fingerprint=message.fingerprint.lower() if is_fingerprint(message.fingerprint) else fingerprint(labels),
        status=message.status,
        labels=labels,
        annotations=clean_map(dict(message.annotations)),
        starts_at=starts_at,
        ends_at=ends_at if message.status == "resolved" and ends_at > 0 else None,
        generator_url=clean(message.generator_url),
    )


def incident_to(incident: Incident) -> pb.Incident:
    """The message of an incident; plots are left out, the page has them."""
    return pb.Incident(
        id=incident.id,
        source=incident.source,
        receiver=incident.receiver,
        group_key=incident.group_key,
        group_hash=incident.group_hash,
        episode=incident.episode,
        status=STATUS[incident.status],
        severity=SEVERITY[incident.severity],
        opened_at=_stamp(incident.opened_at),
        received_at=_stamp(incident.received_at),
        closed_at=_stamp(incident.closed_at),
        alerts=[_alert_to(alert) for alert in incident.alerts],
        group_labels=incident.group_labels,
        truncated_alerts=incident.truncated_alerts,
        notifications=incident.notifications,
        revision=incident.revision,
        analysis_state=ANALYSIS[incident.analysis_state],
        analysis_error=incident.analysis_error,
        analysis=_analysis_to(incident.analysis) if incident.analysis else None,
        deliveries=[_delivery_to(delivery) for delivery in incident.deliveries],
        title=incident.title,
        feedback=[_feedback_to(feedback) for feedback in incident.feedback],
        shared=_shared_to(incident.shared) if incident.shared else None,
    )


def _alert_to(alert: Alert) -> pb.Alert:
    return pb.Alert(
        fingerprint=alert.fingerprint,
        status=alert.status,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=_stamp(alert.starts_at),
        ends_at=_stamp(alert.ends_at),
        generator_url=alert.generator_url,
    )


def _analysis_to(analysis: Analysis) -> pb.Analysis:
    return pb.Analysis(
        finished_at=_stamp(analysis.finished_at),
        window_start=_stamp(analysis.window_start),
        window_end=_stamp(analysis.window_end),
        alerting=analysis.alerting,
        causes=[_cause_to(cause) for cause in analysis.causes],
        no_cause_reason=analysis.no_cause_reason,
        none_probability=analysis.none_probability,
        missing=analysis.missing,
        timeline=[pb.TimelineEntry(at=_stamp(entry.at), what=entry.what) for entry in analysis.timeline],
        seconds=analysis.seconds,
        similar=[_similar_to(similar) for similar in analysis.similar],
        trouble_began=_stamp(analysis.trouble_began),
        resolution=analysis.resolution,
        suspects=[_suspect_to(suspect) for suspect in analysis.suspects],
    )


def _suspect_to(suspect: Suspect) -> pb.Suspect:
    finding = _finding_to(suspect.finding) if suspect.finding else None
    return pb.Suspect(entity=suspect.entity, weight=suspect.weight, finding=finding)


def _similar_to(similar: SimilarIncident) -> pb.SimilarIncident:
    return pb.SimilarIncident(
        id=similar.incident_id,
        title=similar.title,
        entity=similar.entity,
        fault_kind=similar.fault_kind,
        opened_at=_stamp(similar.opened_at),
        lasted=similar.lasted,
        score=similar.score,
        why=similar.why,
        confirmed=similar.confirmed,
        fix=similar.fix,
    )


def _feedback_to(feedback: Feedback) -> pb.Feedback:
    return pb.Feedback(
        entity=feedback.entity,
        kind=FEEDBACK[feedback.kind],
        fault_kind=feedback.fault_kind,
        fix=feedback.fix,
        actor=feedback.actor,
        at=_stamp(feedback.at),
    )


def _shared_to(shared: SharedCause) -> pb.SharedCause:
    members = [
        pb.SharedMember(
            id=member.incident_id, title=member.title, received_at=_stamp(member.received_at), open=member.open
        )
        for member in shared.members
    ]
    return pb.SharedCause(id=shared.id, entity=shared.entity, total=shared.total, members=members)


def _cause_to(cause: Cause) -> pb.Cause:
    return pb.Cause(
        rank=cause.rank,
        entity=cause.entity,
        fault_kind=cause.fault_kind,
        probability=cause.probability,
        findings=[_finding_to(finding) for finding in cause.findings],
        against=cause.against,
        path=cause.path,
        explanation=cause.explanation,
        proposals=[_proposal_to(proposal) for proposal in cause.proposals],
        changes=[_change_to(change) for change in cause.changes],
        weight=cause.weight,
        weighed=[pb.Weighing(what=step.what, nats=step.nats, how=step.how) for step in cause.weighed],
        temperature=cause.temperature,
        look=[pb.Look(what=step.what, command=step.command) for step in cause.look],
    )


def _change_to(change: Change) -> pb.Change:
    return pb.Change(
        at=_stamp(change.at),
        kind=change.kind.value,
        seconds_before=change.seconds_before,
        reason=change.reason,
        message=change.message,
        actor=change.actor,
    )


def _finding_to(finding: Finding) -> pb.Finding:
    return pb.Finding(
        entity=finding.entity,
        signal=finding.signal,
        score=finding.score,
        onset=_stamp(finding.onset),
        direction=finding.direction,
        sentence=finding.sentence,
        query=finding.query,
        link=finding.link,
        nats=finding.nats,
        usual=finding.usual,
        extreme=finding.extreme,
        unit=finding.unit,
        subject=finding.subject,
        until=_stamp(finding.until),
    )


def _proposal_to(proposal: Proposal) -> pb.Proposal:
    return pb.Proposal(
        kind=proposal.kind,
        title=proposal.title,
        diff=proposal.diff,
        rationale=proposal.rationale,
        risk=proposal.risk,
        rollback=proposal.rollback,
        validation=proposal.validation,
    )


def _delivery_to(delivery: Delivery) -> pb.Delivery:
    return pb.Delivery(
        sink=delivery.sink,
        state=DELIVERY[delivery.state],
        external_id=delivery.external_id,
        attempts=delivery.attempts,
        error=delivery.error,
        updated_at=_stamp(delivery.updated_at),
    )


def _stamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round(seconds * 1e6) * 1000)
    return stamp


def _seconds(stamp: Timestamp, field: str) -> float:
    """Seconds since the epoch, 0 before 1970; what could not be said in an answer is refused."""
    if not (_FIRST_SECOND <= stamp.seconds <= LAST_TIME and 0 <= stamp.nanos < 1_000_000_000):
        raise FieldError(field, "is not a time of the years 1 to 9999")
    return min(max(stamp.seconds + stamp.nanos / 1e9, 0.0), LAST_TIME)
