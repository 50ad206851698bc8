"""Incidents that webhook templates are tried on at the start: one that uses every field, and one that has next to none.

Free text holds a quotation mark and a backslash, as labels and log lines do: a template that forgets to escape them
fails at the start and not in the middle of an incident.
"""

from __future__ import annotations

from typing import Final

from brain_rca.model import (
    Alert,
    Analysis,
    AnalysisState,
    Cause,
    Finding,
    Incident,
    IncidentStatus,
    Proposal,
    Severity,
)

_OPENED: Final = 1_700_000_000.0
_ENTITY: Final = 'prod/shop/workload/pay"ments'

_CAUSE: Final = Cause(
    rank=1,
    entity=_ENTITY,
    fault_kind="cpu",
    probability=0.82,
    findings=(
        Finding(
            entity=_ENTITY,
            signal="container_cpu",
            score=0.97,
            onset=_OPENED - 60,
            direction="up",
            sentence='CPU of "payments" rose from 0.2 to 1.9 cores \\ 60 s.',
        ),
    ),
    path=(_ENTITY, "prod/shop/service/checkout"),
    explanation='"payments" began before its callers.',
    proposals=(
        Proposal(
            kind="kubernetes",
            title='Raise the CPU limit of "payments"',
            diff="-cpu: 1\n+cpu: 2",
            rationale="It is throttled.",
            risk="low: one restart",
            rollback="Set the limit back.",
        ),
    ),
)

_ANALYSIS: Final = Analysis(
    finished_at=_OPENED + 32,
    window_start=_OPENED - 600,
    window_end=_OPENED + 30,
    alerting=("prod/shop/service/checkout",),
    causes=(_CAUSE,),
    none_probability=0.1,
    missing=('"Node" metrics could not be fetched.',),
)

_FULL: Final = Incident(
    id="0123456789abcdef",
    source="sample",
    receiver="brain",
    group_key='{}:{alertname="HighLatency"}',
    group_hash="0123456789ab",
    episode=1,
    status=IncidentStatus.OPEN,
    severity=Severity.CRITICAL,
    opened_at=_OPENED,
    received_at=_OPENED + 30,
    alerts=(
        Alert(
            fingerprint="0123456789abcdef",
            status="firing",
            labels={
                "alertname": "HighLatency",
                "cluster": "prod",
                "namespace": "shop",
                "service": "checkout",
            },
            annotations={"summary": 'checkout is "slow"'},
            starts_at=_OPENED,
        ),
    ),
    group_labels={"alertname": "HighLatency", "service": 'check"out'},
    notifications=1,
    revision=2,
    analysis_state=AnalysisState.DONE,
    analysis=_ANALYSIS,
)

_NOTHING_FOUND: Final = Analysis(
    finished_at=_OPENED + 32,
    window_start=_OPENED - 600,
    window_end=_OPENED + 30,
    alerting=(),
    causes=(),
    no_cause_reason='nothing "deviates" enough',
)

_BARE: Final = Incident(
    id="fedcba9876543210",
    source="sample",
    receiver="brain",
    group_key="{}:{}",
    group_hash="ba9876543210",
    episode=1,
    status=IncidentStatus.RESOLVED,
    severity=Severity.INFO,
    opened_at=_OPENED,
    received_at=_OPENED + 30,
    closed_at=_OPENED + 300,
    analysis_state=AnalysisState.DONE,
    analysis=_NOTHING_FOUND,
)

SAMPLES: Final = ((_FULL, _ANALYSIS), (_BARE, _NOTHING_FOUND))
