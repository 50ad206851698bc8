"""One line about an incident, for the list as HTML and as JSON."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from brain_rca.model import AnalysisState, Cause, Feedback, Incident, IncidentStatus, Severity


class TopCause(msgspec.Struct, frozen=True, kw_only=True):
    """The first of the ranked causes."""

    entity: str
    fault_kind: str
    probability: float
    rejected: bool = False  # somebody said that it is not the cause


class ConfirmedCause(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody confirmed."""

    entity: str
    fault_kind: str  # empty: not said


class IncidentSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All times in seconds since the epoch."""

    id: str
    title: str
    status: IncidentStatus
    severity: Severity
    opened_at: float
    received_at: float
    closed_at: float | None
    analysis_state: AnalysisState
    analysed: bool  # there is a result, if perhaps an older one
    alerts: int
    top_cause: TopCause | None
    shared_with: int = 0  # incidents that have one cause, this one included; 0: none but this
    leads: bool = False  # it is the one to look at
    confirmed: ConfirmedCause | None = None  # None: nobody did


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; ``next`` is the value of ``before`` that gets the page after, None at the end."""

    incidents: tuple[IncidentSummary, ...]
    next: str | None = None


def summarize(incident: Incident) -> IncidentSummary:
    """The line about ``incident``."""
    causes = incident.analysis.causes if incident.analysis else ()
    return IncidentSummary(
        id=incident.id,
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        opened_at=incident.opened_at,
        received_at=incident.received_at,
        closed_at=incident.closed_at,
        analysis_state=incident.analysis_state,
        analysed=incident.analysis is not None,
        alerts=len(incident.alerts) + incident.truncated_alerts,
        top_cause=_top(causes[0], incident.rejected) if causes else None,
        shared_with=incident.shared.total if incident.shared else 0,
        leads=incident.shared is not None and incident.shared.lead.incident_id == incident.id,
        confirmed=_confirmed(incident.confirmed) if incident.confirmed else None,
    )


def _confirmed(said: Feedback) -> ConfirmedCause:
    return ConfirmedCause(entity=said.entity, fault_kind=said.fault_kind)


def _top(cause: Cause, rejected: Collection[str]) -> TopCause:
    return TopCause(
        entity=cause.entity,
        fault_kind=cause.fault_kind,
        probability=cause.probability,
        rejected=cause.entity in rejected,
    )
