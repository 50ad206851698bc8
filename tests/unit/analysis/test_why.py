"""Why a cause is ranked where it is, in words."""

from __future__ import annotations

from typing import Any

import pytest

from brain_engine.judge import RankedCause
from brain_engine.series import Family
from brain_rca.analysis.why import contrast, explanation, without
from brain_rca.model import Change, ChangeKind, Finding
from tests.unit.analysis.samples import CART, FRONT, IDLE, ONSET

SLOW = "latency p99 rose from 20 ms to 2.1 s (x 105)"


def finding(onset: float | None = None) -> Finding:
    return Finding(entity=CART, signal="service_latency_p99", score=0.9, onset=onset, direction="up", sentence=SLOW)


def cause(entity: str = CART, probability: float = 0.8, **changes: Any) -> RankedCause:
    given: dict[str, Any] = {"fault_kind": "latency", "findings": (), "against": (), "path": (entity,)}
    return RankedCause(**{"entity": entity, "probability": probability, **given, **changes})


def change(kind: ChangeKind = ChangeKind.CONFIG, seconds_before: float = 90.0) -> Change:
    return Change(
        at=0.0,
        kind=kind,
        seconds_before=seconds_before,
        reason="ConfigMapUpdated",
        message="pool 20 -> 5",
        actor="alex",
    )


@pytest.mark.parametrize("family", list(Family))
def test_every_family_has_words(family: Family) -> None:
    words = explanation(cause(fault_kind=family.value), ())
    assert words.startswith("service shop/cart stands out by ")
    assert words.endswith(".")


@pytest.mark.parametrize(
    ("ranked", "alerting", "end"),
    [
        (cause(path=(CART, FRONT)), (FRONT,), "It reaches what alerts over service shop/cart → service shop/front."),
        (cause(), (CART,), "It is itself what alerts."),
        (cause(), (FRONT,), f"{SLOW}."),
    ],
)
def test_an_explanation_ends_with_the_way_to_what_alerts(
    ranked: RankedCause, alerting: tuple[str, ...], end: str
) -> None:
    assert explanation(ranked, alerting, finding()).endswith(end)


def test_when_it_began_is_told_beside_it_and_not_twice() -> None:
    assert "22:05" not in explanation(cause(), (), finding(ONSET))


def test_a_change_before_the_onset_is_named_between_the_finding_and_the_way() -> None:
    changes = (change(), change(ChangeKind.ROLLOUT, 0.0))
    text = explanation(cause(path=(CART, FRONT)), (FRONT,), finding(), changes)
    assert (
        "(x 105). Its configuration was changed 90 s before the cause began: ConfigMapUpdated: pool 20 -> 5 (by alex). "
        "It was rolled out when the cause began: ConfigMapUpdated: pool 20 -> 5 (by alex). It reaches what"
    ) in text


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_kind_of_change_has_words(kind: ChangeKind) -> None:
    assert " 90 s before the cause began: ConfigMapUpdated" in explanation(cause(), (), None, (change(kind),))


def test_causes_that_are_about_as_likely_are_called_so_at_both() -> None:
    causes = (cause(CART, 0.5), cause(FRONT, 0.45), cause(IDLE, 0.05))
    assert contrast(0, causes, 0.0, ()) == (
        "It is as likely as service shop/front (45\N{NO-BREAK SPACE}%): the evidence does not tell them apart."
    )
    assert contrast(1, causes, 0.0, ()) == "It is as likely as service shop/cart."
    assert contrast(2, causes, 0.0, ()) == ""


def test_what_explains_the_next_one_away_is_said_with_short_names() -> None:
    second = cause(FRONT, 0.1, against=(f"most of its trouble comes from {CART}, which it calls",))
    assert contrast(0, (cause(), second), 0.1, frozenset({CART})) == (
        "Next is service shop/front (10\N{NO-BREAK SPACE}%): "
        "most of its trouble comes from service shop/cart, which it calls."
    )


def test_a_next_one_that_nothing_explains_away_has_lighter_evidence_or_no_reason_at_all() -> None:
    lighter = (cause(weight=12.0), cause(FRONT, 0.1, weight=3.456))
    assert contrast(0, lighter, 0.1, ()).endswith(": its evidence weighs 3.46 nats against 12.")
    assert contrast(0, (cause(), cause(FRONT, 0.1)), 0.1, ()) == "Next is service shop/front (10\N{NO-BREAK SPACE}%)."


def test_that_none_of_them_is_likelier_is_said() -> None:
    assert contrast(0, (cause(CART, 0.3),), 0.7, ()) == ("That it is none of these is likelier: 70\N{NO-BREAK SPACE}%.")


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ((), ""),
        (("a",), "Judged without all evidence: a."),
        (("a", "b", "c", "d"), "Judged without all evidence: a; b, and 2 more."),
    ],
)
def test_missing_evidence_is_a_caution(missing: tuple[str, ...], text: str) -> None:
    assert without(missing) == text
