"""Incidents as the service would publish them, from plain to hostile; for every test of publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from brain_rca.model import (
    Alert,
    Analysis,
    AnalysisState,
    Cause,
    Delivery,
    DeliveryState,
    Finding,
    Incident,
    IncidentStatus,
    Proposal,
    Severity,
)
from brain_rca.store.protocol import DeliveryClaim

OPENED: Final = 1_764_040_440.25
RECEIVED: Final = OPENED + 30
EXTERNAL_URL: Final = "https://brain.example/base"
INCIDENT_ID: Final = "0011223344556677"
GROUP: Final = "aabbccddeeff"
TAG: Final = f"incident={INCIDENT_ID}"

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<a href=https://evil.example>here</a>",
    "<!channel> <https://evil.example|log in>",
    '{{ 7*7 }} {% raw %} {{ define "x" }}',
    '"}],"text":"owned',
    "back\\slash \\u0022 \\n",
    "line\nbreak\r\u2028\u2029\x00\x1b[31m",
    "\u202egpj.exe\u2066 zero\u200bwidth\ufeff",
    "\ud800 lone surrogate",
    "😀𝐀𝐁𝐂" * 50,
    "<" * 10_000,
    "é" * 10_000,
    " " * 10_000,
    "x" * 10_000,
    "a,b@c~+?:d=e&f%20",
)
"""Values that a label, an annotation or a log line may have."""


def alert(
    name: str = "a",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    starts_at: float = OPENED,
) -> Alert:
    """A firing alert about the service checkout."""
    own = {"alertname": "HighLatency", "cluster": "prod", "namespace": "shop", "service": "checkout"}
    return Alert(
        fingerprint=name,
        status="firing",
        labels=own if labels is None else dict(labels),
        annotations=dict(annotations or {}),
        starts_at=starts_at,
    )


def cause(
    entity: str = "prod/shop/workload/payments", rank: int = 1, kind: str = "cpu", probability: float = 0.824
) -> Cause:
    """With one finding and one proposal."""
    sentence = f"CPU of {entity} rose from 0.2 to 1.9 cores."
    proposal = Proposal(
        kind="kubernetes",
        title=f"Raise the limit of {entity}",
        diff="-1\n+2",
        rationale="Throttled.",
        risk="low",
        rollback="Set it back.",
    )
    return Cause(
        rank=rank,
        entity=entity,
        fault_kind=kind,
        probability=probability,
        findings=(
            Finding(entity=entity, signal="cpu", score=0.9, onset=OPENED - 60, direction="up", sentence=sentence),
        ),
        proposals=(proposal,),
    )


def analysis(*causes: Cause, none_probability: float = 0.1, missing: Sequence[str] = (), reason: str = "") -> Analysis:
    """One finished a little after the incident was received."""
    return Analysis(
        finished_at=RECEIVED + 2,
        window_start=OPENED - 600,
        window_end=RECEIVED,
        alerting=("prod/shop/service/checkout",),
        causes=causes,
        none_probability=none_probability,
        missing=tuple(missing),
        no_cause_reason=reason,
    )


def incident(
    *alerts: Alert,
    causes: Sequence[Cause] | None = None,
    closed_at: float | None = None,
    severity: Severity = Severity.CRITICAL,
    group_labels: Mapping[str, str] | None = None,
    judged: bool = True,
    incident_id: str = INCIDENT_ID,
    opened_at: float = OPENED,
) -> Incident:
    """An incident of the service checkout, caused by payments unless said otherwise."""
    return Incident(
        id=incident_id,
        source="main",
        receiver="brain",
        group_key='{}:{service="checkout"}',
        group_hash=GROUP,
        episode=1,
        status=IncidentStatus.OPEN if closed_at is None else IncidentStatus.RESOLVED,
        severity=severity,
        opened_at=opened_at,
        received_at=RECEIVED,
        closed_at=closed_at,
        alerts=alerts or (alert(),),
        group_labels={"namespace": "shop"} if group_labels is None else dict(group_labels),
        notifications=1,
        revision=2,
        analysis_state=AnalysisState.DONE if judged else AnalysisState.PENDING,
        analysis=analysis(*([cause()] if causes is None else causes)) if judged else None,
    )


def judged(one: Incident) -> tuple[Incident, Analysis]:
    """The incident with the analysis it must have."""
    assert one.analysis is not None
    return one, one.analysis


def hostile(text: str) -> Incident:
    """An incident where everything that comes from outside is ``text``."""
    names = ("alertname", "cluster", "namespace", "service", "pod", "deployment", "severity", text)
    labels = dict.fromkeys(names, text)
    annotations = dict.fromkeys(("summary", "dashboard_uid", "dashboard_url", "panel_id", text), text)
    first = cause(text, kind=text)
    causes = tuple(replace(first, rank=rank, explanation=text, against=(text,), path=(text,)) for rank in range(1, 9))
    one = incident(alert(text, labels=labels, annotations=annotations), group_labels=labels, causes=causes)
    assert one.analysis is not None
    found = replace(one.analysis, missing=(text,), no_cause_reason=text)
    return replace(one, source=text, receiver=text, group_key=text, analysis=found)


def told(
    sink: str = "grafana",
    external_id: str = "",
    *,
    attempts: int = 0,
    state: DeliveryState = DeliveryState.PENDING,
    error: str = "",
    updated_at: float = 0.0,
) -> Delivery:
    """What the store knows of a sink."""
    return Delivery(
        sink=sink, state=state, external_id=external_id, attempts=attempts, error=error, updated_at=updated_at
    )


def claim(
    one: Incident | None = None,
    delivery: Delivery | None = None,
    *,
    first_attempt_at: float = OPENED,
    sink: str = "grafana",
    token: str = "token",
) -> DeliveryClaim:
    """A lease on telling ``sink``."""
    return DeliveryClaim(
        incident=one or incident(),
        sink=sink,
        delivery=delivery or told(sink),
        first_attempt_at=first_attempt_at,
        token=token,
    )
