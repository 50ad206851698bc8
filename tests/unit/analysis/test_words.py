"""Findings and causes as sentences."""

from __future__ import annotations

import math
from typing import Any

import pytest

from brain_engine.findings import Finding
from brain_engine.judge import RankedCause
from brain_engine.series import Direction, Family, Signal
from brain_rca.analysis.words import amount, explanation, sentence, short
from brain_rca.model import Change, ChangeKind
from tests.unit.analysis.samples import CART, FRONT, LATENCY, MEMORY


def finding(signal: Signal = LATENCY, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "entity": CART,
        "signal": signal,
        "row": 0,
        "nats": 9.0,
        "score": 0.9,
        "onset": None,
        "direction": Direction.UP,
        "usual": 0.02,
        "extreme": 2.1,
    }
    return Finding(**{**given, **changes})


def cause(**changes: Any) -> RankedCause:
    given: dict[str, Any] = {
        "entity": CART,
        "fault_kind": "latency",
        "probability": 0.8,
        "findings": (finding(),),
        "against": (),
        "path": (CART,),
    }
    return RankedCause(**{**given, **changes})


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        (CART, "service shop/cart"),
        ("lab//node/10.0.0.7", "node 10.0.0.7"),
        ("//database/ledger%2Fdb", "database ledger/db"),
    ],
)
def test_an_entity_is_its_kind_and_name(entity: str, text: str) -> None:
    assert short(entity) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0042, "seconds", "4.2 ms"),
        (90.0, "seconds", "90 s"),
        (2e-7, "seconds", "0.2 µs"),
        (0.0, "seconds", "0 µs"),
        (0.125, "ratio", "12.5 %"),
        (3 * 1024**3, "bytes", "3 GiB"),
        (1536.0, "bytes/s", "1.5 KiB/s"),
        (0.0, "bytes", "0 B"),
        (-2048.0, "bytes", "-2 KiB"),
        (7.0, "requests/s", "7 requests/s"),
        (3.0, "1", "3"),
        (3.0, "", "3"),
        (math.nan, "seconds", "unknown"),
        (math.inf, "bytes", "unknown"),
    ],
)
def test_an_amount_has_a_unit_that_people_read(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (finding(), "latency p99 rose from 20 ms to 2.1 s (x 105)"),
        (finding(extreme=0.025), "latency p99 rose from 20 ms to 25 ms"),
        (finding(usual=0.0), "latency p99 rose from 0 µs to 2.1 s"),
        (finding(usual=math.nan), "latency p99 rose from unknown to 2.1 s"),
        (finding(direction=Direction.DOWN, extreme=0.001), "latency p99 fell from 20 ms to 1 ms"),
        (
            finding(MEMORY, usual=0.5, extreme=0.99),
            "container memory of limit rose from 50 % to 99 % (x 1.98), at its limit of 100 %",
        ),
        (finding(MEMORY, usual=0.5, extreme=0.6), "container memory of limit rose from 50 % to 60 %"),
    ],
)
def test_a_finding_says_what_deviates_from_what(found: Finding, text: str) -> None:
    assert sentence(found) == text


@pytest.mark.parametrize("family", list(Family))
def test_every_family_has_words(family: Family) -> None:
    words = explanation(cause(fault_kind=family.value, findings=()), ())
    assert words.startswith("service shop/cart stands out by ")
    assert words.endswith(".")


@pytest.mark.parametrize(
    ("ranked", "alerting", "end"),
    [
        (cause(path=(CART, FRONT)), (FRONT,), "It reaches what alerts over service shop/cart → service shop/front."),
        (cause(), (CART,), "It is itself what alerts."),
        (cause(), (FRONT,), "latency p99 rose from 20 ms to 2.1 s (x 105)."),
        (cause(fault_kind="unknown", findings=()), (), "stands out by unknown."),
    ],
)
def test_an_explanation_ends_with_the_way_to_what_alerts(
    ranked: RankedCause, alerting: tuple[str, ...], end: str
) -> None:
    assert explanation(ranked, alerting).endswith(end)


def change(kind: ChangeKind = ChangeKind.CONFIG, seconds_before: float = 90.0, message: str = "pool 20 -> 5") -> Change:
    return Change(
        at=0.0, kind=kind, seconds_before=seconds_before, reason="ConfigMapUpdated", message=message, actor="alex"
    )


def test_a_change_before_the_onset_is_named_between_the_finding_and_the_way() -> None:
    text = explanation(cause(path=(CART, FRONT)), (FRONT,), (change(), change(ChangeKind.ROLLOUT, 0.0)))
    assert (
        "(x 105). Its configuration was changed 90 s before the onset: ConfigMapUpdated: pool 20 -> 5 (by alex). "
        "It was rolled out together with the onset: ConfigMapUpdated: pool 20 -> 5 (by alex). It reaches what"
    ) in text


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_kind_of_change_has_words(kind: ChangeKind) -> None:
    assert " 90 s before the onset: ConfigMapUpdated" in explanation(cause(), (), (change(kind),))
