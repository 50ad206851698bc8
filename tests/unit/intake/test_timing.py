"""How urgent a group is, and when its judgement may start."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from brain_common.clock import ManualClock
from brain_rca.intake.timing import IntakeSettings, is_own, notification, severity_of
from brain_rca.model import Alert, AlertGroup, Severity

NOW = 1_700_000_000.0


def member(severity: str | None = None, status: str = "firing", name: str = "HighLatency", **labels: str) -> Alert:
    own = {} if severity is None else {"severity": severity}
    return Alert(fingerprint="f", status=status, labels={"alertname": name, **own, **labels}, starts_at=NOW)


def group(*alerts: Alert, status: str = "firing") -> AlertGroup:
    return AlertGroup(source="main", receiver="brain", group_key="k", status=status, alerts=alerts)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("warning", Severity.WARNING),
        ("info", Severity.INFO),
        ("CRITICAL", Severity.CRITICAL),
        ("Info", Severity.INFO),
        ("page", Severity.CRITICAL),
        ("error", Severity.CRITICAL),
        ("Emergency", Severity.CRITICAL),
        ("none", Severity.INFO),
        ("ticket", Severity.WARNING),
        ("", Severity.WARNING),
        (None, Severity.WARNING),
    ],
)
def test_words_are_mapped_onto_three(word: str | None, severity: Severity) -> None:
    assert severity_of(group(member(word)), IntakeSettings()) is severity


@pytest.mark.parametrize("spelling", ["P1", "p1"])
def test_words_of_the_configuration_match_in_any_case(spelling: str) -> None:
    settings = IntakeSettings.model_validate({"severities": {spelling: "critical"}})
    assert severity_of(group(member("P1")), settings) is Severity.CRITICAL
    assert severity_of(group(member("p1")), settings) is Severity.CRITICAL


def test_a_word_of_the_configuration_wins() -> None:
    settings = IntakeSettings.model_validate({"severities": {"critical": "info"}})
    assert severity_of(group(member("critical")), settings) is Severity.INFO


def test_a_word_can_only_mean_one_of_three() -> None:
    with pytest.raises(ValidationError, match=r"severities\.p1"):
        IntakeSettings.model_validate({"severities": {"p1": "urgent"}})


def test_another_label_may_hold_the_severity() -> None:
    settings = IntakeSettings(severity_label="priority")
    assert severity_of(group(member("critical", priority="info")), settings) is Severity.INFO


def test_the_highest_of_the_firing_alerts_counts() -> None:
    alerts = (member("info"), member("critical", "resolved"), member("warning"))
    assert severity_of(group(*alerts), IntakeSettings()) is Severity.WARNING


def test_of_a_group_that_is_over_all_alerts_count() -> None:
    alerts = (member("info", "resolved"), member("critical", "resolved"))
    assert severity_of(group(*alerts, status="resolved"), IntakeSettings()) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("word", "status", "wait"),
    [
        ("critical", "firing", 0),
        ("page", "firing", 0),
        ("warning", "firing", 20),
        ("info", "firing", 20),
        ("warning", "resolved", 0),
    ],
)
def test_only_what_is_not_urgent_waits_for_more(word: str, status: str, wait: float) -> None:
    taken = notification(
        group(member(word, status), status=status), IntakeSettings(debounce_seconds=20), ManualClock(NOW)
    )
    assert (taken.received_at, taken.due_at) == (NOW, NOW + wait)


@pytest.mark.parametrize(
    ("names", "own"),
    [
        (["BrainRootCause"], True),
        (["BrainRootCause", "BrainRootCause"], True),
        (["BrainRootCause", "HighLatency"], False),
        (["HighLatency"], False),
        (["brainrootcause"], False),
    ],
)
def test_a_group_of_nothing_but_own_alerts_is_own(names: list[str], own: bool) -> None:
    assert is_own(group(*(member(name=name) for name in names))) is own


@pytest.mark.parametrize(
    "wrong",
    [
        {"debounce_seconds": -1},
        {"debounce_seconds": float("nan")},
        {"body_limit_bytes": 10},
        {"most_waiting": 0},
        {"cooldown_seconds": 1e9},
        {"unknown": 1},
    ],
    ids=str,
)
def test_settings_out_of_bounds_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        IntakeSettings.model_validate(wrong)
