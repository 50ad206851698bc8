"""What bills say: they name what an alert about cost is about, and are ahead of nothing that is measured."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import Judgement, judge
from brain_engine.rank.explain_away import ExplainAway
from brain_engine.series import Array, Direction, Edge, EdgeKind, Evidence, Family, Panel, Signal
from tests.contract.engine.scenes import LATENCY, ONSET, RATE, evidence, faulty, noise, panel

BILL = Signal("cost_spike_score", Family.COST, "1", Direction.UP, least=1.0)
SPIKE = np.where(np.arange(180) >= ONSET, 1e6, 0.0)
CALM = np.zeros(180)


def bills(**scores: Array) -> Panel:
    return panel(BILL, scores)


def judged(seen: Evidence, *alerting: str) -> Judgement:
    found = find(seen, RobustShift())
    return judge(seen, found, DependencyGraph(seen.edges), alerting, ExplainAway())


def slow_shop(*more: Panel, edges: tuple[Edge, ...] = ()) -> Evidence:
    """``front`` calls ``cart``, which is slow."""
    answers = {"front": faulty(1, 0.3, 0.01, 1.0), "cart": faulty(2, 0.1, 0.01, 0.8), "ads": noise(3, 0.1, 0.01)}
    rates = {name: noise(number, 50.0, 1.0) for number, name in enumerate(answers, start=10)}
    seen = evidence(panel(LATENCY, answers), panel(RATE, rates), *more, calls=[("front", "cart"), ("front", "ads")])
    return Evidence(seen.times, seen.window_start, seen.panels, (*seen.edges, *edges))


def test_an_alert_about_cost_has_its_cause_in_the_bill() -> None:
    said = judged(evidence(bills(ec2=SPIKE, rds=CALM)), "ec2")
    [first] = said.causes
    assert (first.entity, first.fault_kind) == ("ec2", "cost")
    assert first.probability > 0.5


def test_a_bill_knows_no_moment() -> None:
    [found] = find(evidence(bills(ec2=SPIKE, rds=CALM)), RobustShift())
    assert found.onset is None


@pytest.mark.parametrize("billed", ["ads", "ec2", "front"])
def test_a_bill_is_never_ahead_of_what_is_slow(billed: str) -> None:
    """However dear, and of whatever: connected, unconnected, or what alerts itself."""
    edges = (Edge("front", "ads", EdgeKind.USES), Edge("ads", "ec2", EdgeKind.USES))
    said = judged(slow_shop(bills(**{billed: SPIKE}), edges=edges), "front")
    assert said.causes[0].entity == "cart"
    assert said.causes[0].fault_kind == "latency"


def test_a_bill_of_what_nothing_connects_with_the_alert_names_no_cause() -> None:
    calm = {"front": noise(1, 0.3, 0.01)}
    said = judged(evidence(panel(LATENCY, calm), bills(ec2=SPIKE), calls=[("front", "cart")]), "front")
    assert said.causes == ()


def test_a_bill_adds_to_what_is_known_of_an_entity() -> None:
    def weight(*more: Panel) -> float:
        return next(one.weight for one in judged(slow_shop(*more), "front").causes if one.entity == "cart")

    assert weight(bills(cart=SPIKE)) > weight(bills(cart=CALM))
