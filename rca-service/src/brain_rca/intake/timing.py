"""When to judge: wait a little for the rest of a storm, but not with what is critical."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from brain_common.clock import Clock
from brain_common.settings import Settings
from brain_rca.model import AlertGroup, Severity
from brain_rca.store.protocol import Notification

_WORDS = {severity.value: severity for severity in Severity}
_URGENCY = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
BRAIN_ALERTNAME = "BrainRootCause"  # what this service itself posts: never judged, or it would go round in circles


class IntakeSettings(Settings):
    """How notifications are taken in."""

    debounce_seconds: float = Field(
        default=5.0,
        ge=0,
        le=600,
        description="Wait this long for more notifications before judging; critical ones do not wait.",
    )
    cooldown_seconds: float = Field(
        default=30.0, ge=0, le=3600, description="At least this long between two judgements of one incident."
    )
    silence_seconds: float = Field(
        default=28800.0,
        ge=60,
        le=30 * 86400,
        description="An open incident is closed when no notification about it came for this long; keep it above "
        "Alertmanager's repeat_interval (default 4 h).",
    )
    body_limit_bytes: int = Field(default=8 << 20, ge=1024, le=256 << 20, description="Largest request body accepted.")
    most_waiting: int = Field(
        default=2000,
        ge=1,
        description="Requests being made durable at one time; beyond, the answer is 503 with Retry-After.",
    )
    severity_label: str = Field(default="severity", description="Alert label that holds the severity.")
    severities: Mapping[str, Severity] = Field(
        default={
            "page": Severity.CRITICAL,
            "error": Severity.CRITICAL,
            "emergency": Severity.CRITICAL,
            "none": Severity.INFO,
        },
        description="Other words for critical, warning and info; unknown words mean warning.",
    )

    @field_validator("severities")
    @classmethod
    def _in_lower_case(cls, severities: Mapping[str, Severity]) -> Mapping[str, Severity]:
        return {word.lower(): severity for word, severity in severities.items()}


def severity_of(group: AlertGroup, settings: IntakeSettings) -> Severity:
    """The highest severity among the group's firing alerts (all of them when it is resolved)."""
    members = [alert for alert in group.alerts if alert.status == "firing"] or list(group.alerts)
    return max((_severity(alert.labels, settings) for alert in members), key=_URGENCY.__getitem__)


def _severity(labels: Mapping[str, str], settings: IntakeSettings) -> Severity:
    word = labels.get(settings.severity_label, "").lower()
    return settings.severities.get(word) or _WORDS.get(word, Severity.WARNING)


def is_own(group: AlertGroup) -> bool:
    """Whether the group holds nothing but this service's own alerts."""
    return all(alert.name == BRAIN_ALERTNAME for alert in group.alerts)


def notification(group: AlertGroup, settings: IntakeSettings, clock: Clock) -> Notification:
    """The group with its severity and the time its judgement may start."""
    now = clock.now()
    severity = severity_of(group, settings)
    wait = 0.0 if severity is Severity.CRITICAL or group.status == "resolved" else settings.debounce_seconds
    return Notification(group=group, severity=severity, received_at=now, due_at=now + wait)
