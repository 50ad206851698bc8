"""From an incident as gRPC sends it to what ``show.py`` prints; what is not printed is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_rca.model import (
    Alert,
    Analysis,
    Cause,
    Feedback,
    FeedbackKind,
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
    Weighing,
)

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from brain_api.rca.v1 import rca_pb2 as pb

_STATUS = {1: IncidentStatus.OPEN, 2: IncidentStatus.RESOLVED}
_SEVERITY = {1: Severity.INFO, 2: Severity.WARNING, 3: Severity.CRITICAL}
_SAID = {1: FeedbackKind.CONFIRMED, 2: FeedbackKind.REJECTED}


def received(message: pb.Incident) -> Incident:
    """The incident of a message; a status or severity that this release does not know is the more alarming one."""
    return Incident(
        id=message.id,
        source=message.source,
        receiver=message.receiver,
        group_key=message.group_key,
        group_hash=message.group_hash,
        episode=message.episode,
        status=_STATUS.get(message.status, IncidentStatus.OPEN),
        severity=_SEVERITY.get(message.severity, Severity.CRITICAL),
        opened_at=seconds(message.opened_at),
        received_at=seconds(message.received_at),
        alerts=tuple(_alert(alert) for alert in message.alerts),
        group_labels=dict(message.group_labels),
        analysis=_analysis(message.analysis) if message.HasField("analysis") else None,
        feedback=tuple(_feedback(said) for said in message.feedback if said.kind in _SAID),
        shared=_shared(message.shared) if message.HasField("shared") else None,
    )


def seconds(stamp: Timestamp) -> float:
    """Since the epoch."""
    return stamp.seconds + stamp.nanos / 1e9


def _alert(message: pb.Alert) -> Alert:
    return Alert(
        fingerprint=message.fingerprint,
        status=message.status,
        labels=dict(message.labels),
        starts_at=seconds(message.starts_at),
    )


def _analysis(message: pb.Analysis) -> Analysis:
    return Analysis(
        finished_at=seconds(message.finished_at),
        window_start=seconds(message.window_start),
        window_end=seconds(message.window_end),
        alerting=tuple(message.alerting),
        causes=tuple(_cause(cause) for cause in message.causes),
        no_cause_reason=message.no_cause_reason,
        none_probability=message.none_probability,
        missing=tuple(message.missing),
        similar=tuple(_similar(similar) for similar in message.similar),
        trouble_began=seconds(message.trouble_began) if message.HasField("trouble_began") else None,
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
        explanation=message.explanation,
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
        onset=seconds(message.onset) if message.HasField("onset") else None,
        direction=message.direction,
        sentence=message.sentence,
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
        kind=_SAID[message.kind],
        fault_kind=message.fault_kind,
        fix=message.fix,
        actor=message.actor,
        at=seconds(message.at),
    )


def _shared(message: pb.SharedCause) -> SharedCause:
    members = tuple(
        SharedMember(incident_id=one.id, title=one.title, received_at=seconds(one.received_at), open=one.open)
        for one in message.members
    )
    return SharedCause(id=message.id, entity=message.entity, total=message.total, members=members)


def _similar(message: pb.SimilarIncident) -> SimilarIncident:
    return SimilarIncident(
        incident_id=message.id,
        title=message.title,
        entity=message.entity,
        fault_kind=message.fault_kind,
        opened_at=seconds(message.opened_at),
        lasted=message.lasted if message.HasField("lasted") else None,
        score=message.score,
        why=message.why,
        confirmed=message.confirmed,
        fix=message.fix,
    )
