"""From an incident as gRPC sends it back to the service's own words, for those who show it elsewhere.

The counterpart of ``convert.incident_to``. Plots, and what only the store needs, are not sent. Whoever sends may be of
a newer release: a status or severity that this one does not know is the more alarming one, and kinds of feedback and
of changes that it does not know are left out.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_rca.grpc_api.words import ANALYSIS, DELIVERY, FEEDBACK, SEVERITY, STATUS
from brain_rca.model import (
    Alert,
    Analysis,
    AnalysisState,
    Cause,
    Change,
    ChangeKind,
    Delivery,
    DeliveryState,
    Feedback,
    Finding,
    Incident,
    IncidentStatus,
    Look,
    Proposal,
    Severity,
    SharedCause,
    SharedMember,
    SimilarIncident,
    Suspect,
    TimelineEntry,
    Weighing,
)

_STATUS: Final = {number: word for word, number in STATUS.items()}
_SEVERITY: Final = {number: word for word, number in SEVERITY.items()}
_ANALYSIS: Final = {number: word for word, number in ANALYSIS.items()}
_DELIVERY: Final = {number: word for word, number in DELIVERY.items()}
_FEEDBACK: Final = {number: word for word, number in FEEDBACK.items()}
_CHANGES: Final = frozenset(ChangeKind)


def received(message: pb.Incident) -> Incident:
    """The incident of a message."""
    return Incident(
        id=message.id,
        source=message.source,
        receiver=message.receiver,
        group_key=message.group_key,
        group_hash=message.group_hash,
        episode=message.episode,
        status=_STATUS.get(message.status, IncidentStatus.OPEN),
        severity=_SEVERITY.get(message.severity, Severity.CRITICAL),
        opened_at=_seconds(message.opened_at),
        received_at=_seconds(message.received_at),
        closed_at=_seconds(message.closed_at) if message.HasField("closed_at") else None,
        alerts=tuple(_alert(alert) for alert in message.alerts),
        group_labels=dict(message.group_labels),
        truncated_alerts=message.truncated_alerts,
        notifications=message.notifications,
        revision=message.revision,
        analysis_state=analysis_state(message),
        analysis_error=message.analysis_error,
        analysis=_analysis(message.analysis) if message.HasField("analysis") else None,
        deliveries=tuple(_delivery(delivery) for delivery in message.deliveries),
        feedback=tuple(_feedback(said) for said in message.feedback if said.kind in _FEEDBACK),
        shared=_shared(message.shared) if message.HasField("shared") else None,
    )


def analysis_state(message: pb.Incident) -> AnalysisState:
    """How far the judgement is; what is not known is not done."""
    return _ANALYSIS.get(message.analysis_state, AnalysisState.PENDING)


def _seconds(stamp: Timestamp) -> float:
    """Since the epoch."""
    return (stamp.seconds * 1_000_000 + stamp.nanos // 1000) / 1e6  # as sent: a sum of floats may be another one


def _alert(message: pb.Alert) -> Alert:
    return Alert(
        fingerprint=message.fingerprint,
        status=message.status,
        labels=dict(message.labels),
        annotations=dict(message.annotations),
        starts_at=_seconds(message.starts_at),
        ends_at=_seconds(message.ends_at) if message.HasField("ends_at") else None,
        generator_url=message.generator_url,
    )


def _analysis(message: pb.Analysis) -> Analysis:
    return Analysis(
        finished_at=_seconds(message.finished_at),
        window_start=_seconds(message.window_start),
        window_end=_seconds(message.window_end),
        alerting=tuple(message.alerting),
        causes=tuple(_cause(cause) for cause in message.causes),
        no_cause_reason=message.no_cause_reason,
        none_probability=message.none_probability,
        missing=tuple(message.missing),
        timeline=tuple(TimelineEntry(at=_seconds(entry.at), what=entry.what) for entry in message.timeline),
        seconds=message.seconds,
        similar=tuple(_similar(similar) for similar in message.similar),
        trouble_began=_seconds(message.trouble_began) if message.HasField("trouble_began") else None,
        resolution=message.resolution,
        suspects=tuple(_suspect(suspect) for suspect in message.suspects),
    )


def _suspect(message: pb.Suspect) -> Suspect:
    finding = _finding(message.finding) if message.HasField("finding") else None
    return Suspect(entity=message.entity, weight=message.weight, finding=finding)


def _cause(message: pb.Cause) -> Cause:
    return Cause(
        rank=message.rank,
        entity=message.entity,
        fault_kind=message.fault_kind,
        probability=message.probability,
        findings=tuple(_finding(finding) for finding in message.findings),
        against=tuple(message.against),
        path=tuple(message.path),
        explanation=message.explanation,
        changes=tuple(_change(change) for change in message.changes if change.kind in _CHANGES),
        proposals=tuple(_proposal(proposal) for proposal in message.proposals),
        weight=message.weight,
        weighed=tuple(Weighing(what=step.what, nats=step.nats, how=step.how) for step in message.weighed),
        temperature=message.temperature,
        look=tuple(Look(what=step.what, command=step.command) for step in message.look),
    )


def _finding(message: pb.Finding) -> Finding:
    return Finding(
        entity=message.entity,
        signal=message.signal,
        score=message.score,
        onset=_seconds(message.onset) if message.HasField("onset") else None,
        direction=message.direction,
        sentence=message.sentence,
        query=message.query,
        link=message.link,
        nats=message.nats,
        usual=message.usual if message.HasField("usual") else None,
        extreme=message.extreme if message.HasField("extreme") else None,
        unit=message.unit,
        subject=message.subject,
        until=_seconds(message.until) if message.HasField("until") else None,
    )


def _change(message: pb.Change) -> Change:
    return Change(
        at=_seconds(message.at),
        kind=ChangeKind(message.kind),
        seconds_before=message.seconds_before,
        reason=message.reason,
        message=message.message,
        actor=message.actor,
    )


def _proposal(message: pb.Proposal) -> Proposal:
    return Proposal(
        kind=message.kind,
        title=message.title,
        diff=message.diff,
        rationale=message.rationale,
        risk=message.risk,
        rollback=message.rollback,
        validation=message.validation,
    )


def _feedback(message: pb.Feedback) -> Feedback:
    return Feedback(
        entity=message.entity,
        kind=_FEEDBACK[message.kind],
        fault_kind=message.fault_kind,
        fix=message.fix,
        actor=message.actor,
        at=_seconds(message.at),
    )


def _shared(message: pb.SharedCause) -> SharedCause:
    members = tuple(
        SharedMember(incident_id=one.id, title=one.title, received_at=_seconds(one.received_at), open=one.open)
        for one in message.members
    )
    return SharedCause(id=message.id, entity=message.entity, total=message.total, members=members)


def _similar(message: pb.SimilarIncident) -> SimilarIncident:
    return SimilarIncident(
        incident_id=message.id,
        title=message.title,
        entity=message.entity,
        fault_kind=message.fault_kind,
        opened_at=_seconds(message.opened_at),
        lasted=message.lasted if message.HasField("lasted") else None,
        score=message.score,
        why=message.why,
        confirmed=message.confirmed,
        fix=message.fix,
    )


def _delivery(message: pb.Delivery) -> Delivery:
    return Delivery(
        sink=message.sink,
        state=_DELIVERY.get(message.state, DeliveryState.PENDING),
        external_id=message.external_id,
        attempts=message.attempts,
        error=message.error,
        updated_at=_seconds(message.updated_at),
    )
