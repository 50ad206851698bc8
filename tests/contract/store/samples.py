"""Alerts, notifications and analyses to feed a store with; times count from ``T0``."""

from __future__ import annotations

from collections.abc import Mapping

from brain_rca.model import Alert, AlertGroup, Analysis, Cause, Finding, Plot, Severity
from brain_rca.store.protocol import Notification

T0 = 1_700_000_000.0
COOLDOWN = 60.0


def alert(
    name: str = "a",
    *,
    start: float = -30,
    end: float | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Alert:
    """An alert that fires since ``T0 + start`` and, if ``end`` is given, ended at ``T0 + end``."""
    return Alert(
        fingerprint=f"fp-{name}",
        status="firing" if end is None else "resolved",
        labels={"alertname": "HighLatency", "service": name},
        annotations=dict(annotations or {}),
        starts_at=T0 + start,
        ends_at=None if end is None else T0 + end,
    )


def notification(
    *alerts: Alert,
    at: float = 0,
    status: str = "firing",
    key: str = '{}:{service="a"}',
    severity: Severity = Severity.WARNING,
    due: float | None = None,
    source: str = "main",
    receiver: str = "brain",
    truncated: int = 0,
) -> Notification:
    """A group received at ``T0 + at``, to be judged from ``T0 + due`` on (by default at once)."""
    group = AlertGroup(
        source=source,
        receiver=receiver,
        group_key=key,
        status=status,
        alerts=alerts or (alert(),),
        group_labels={"service": "a"},
        truncated_alerts=truncated,
    )
    due_at = T0 + (at if due is None else due)
    return Notification(group=group, severity=severity, received_at=T0 + at, due_at=due_at)


def resolved(*alerts: Alert, at: float, end: float | None = None, key: str = '{}:{service="a"}') -> Notification:
    """The end of a group, received at ``T0 + at``."""
    ended = alerts or (alert(end=at if end is None else end),)
    return notification(*ended, at=at, status="resolved", key=key)


def analysis(
    at: float = 0, *, entity: str = "c/n/service/a", onset: float = 0, probability: float = 0.8, fault: str = "latency"
) -> Analysis:
    """A judgement finished at ``T0 + at`` that names ``entity``, which deviates from ``T0 + onset`` on."""
    plot = Plot(title="latency", unit="seconds", times=(T0, T0 + 15), values=(0.1, None))
    finding = Finding(
        entity=entity,
        signal="latency",
        score=0.9,
        onset=T0 + onset,
        direction="up",
        sentence="It is slow.",
        plot=plot,
    )
    cause = Cause(rank=1, entity=entity, fault_kind=fault, probability=probability, findings=(finding,))
    return Analysis(finished_at=T0 + at, window_start=T0 - 600, window_end=T0 + at, alerting=(entity,), causes=(cause,))
