"""From a ranking to a judgement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import Finding, find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import NAMED_FROM, Suspect, judge
from brain_engine.plugins import UnknownPluginError, load_detector, load_ranker
from brain_engine.rank.max_deviation import MaxDeviation
from brain_engine.rank.prior import MOST_NATS, Prior
from brain_engine.rank.protocol import Candidate, Situation, combined
from brain_engine.series import Direction, Evidence, Family, Signal
from tests.contract.engine.scenes import LATENCY, STEPS, evidence, panel, shop

KNOWN = evidence(panel(LATENCY, {"a": np.full(STEPS, 1.0)}))
SIGNALS = {family: Signal(family.value, family, "1", Direction.UP) for family in Family}


class Fixed:
    """Ranks as it was told to."""

    name = "fixed"

    def __init__(self, *candidates: Candidate) -> None:
        self._candidates = candidates

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        return self._candidates


def finding(entity: str, family: Family, nats: float) -> Finding:
    return Finding(entity, SIGNALS[family], 0, nats, 0.9, None, Direction.UP, 1.0, 2.0)


def kind(*findings: Finding) -> str:
    said = judge(evidence(), findings, DependencyGraph(()), ("a",), Fixed(Candidate("a", 5.0)))
    return said.causes[0].fault_kind


def test_odds_are_against_none_of_these() -> None:
    said = judge(KNOWN, (), DependencyGraph(()), ("a",), Fixed(Candidate("a", 6.0), Candidate("b", 1e-12)))
    first, second = (cause.probability for cause in said.causes)
    assert first / said.none_probability == pytest.approx(np.exp(6.0 / said.causes[0].temperature))
    assert second == pytest.approx(said.none_probability)


def test_enormous_evidence_is_no_overflow() -> None:
    said = judge(KNOWN, (), DependencyGraph(()), ("a",), Fixed(Candidate("a", 1e6), Candidate("b", 1.0)))
    assert said.causes[0].probability == pytest.approx(1.0)
    assert said.none_probability == 0.0


def learnt(entity: str, fault_kind: str) -> Prior:
    """Of "b" with slow answers only."""
    return Prior(MOST_NATS, "often") if (entity, fault_kind) == ("b", "latency") else Prior()


def test_what_was_learnt_is_added_to_the_odds_and_may_change_the_order() -> None:
    slow = (finding("b", Family.LATENCY, 9.0),)
    ranker = Fixed(Candidate("a", 5.0), Candidate("b", 4.0))
    plain = judge(KNOWN, slow, DependencyGraph(()), ("a",), ranker)
    said = judge(KNOWN, slow, DependencyGraph(()), ("a",), ranker, learnt)

    assert [cause.entity for cause in plain.causes] == ["a", "b"]
    assert [(cause.entity, cause.prior.words) for cause in said.causes] == [("b", "often"), ("a", "")]
    assert said.causes[0].parts[-1].how == f"{MOST_NATS:.2g} of log-odds × 3, which divides the sum"
    before = plain.causes[1].probability / plain.none_probability
    assert said.causes[0].probability / said.none_probability == pytest.approx(before * np.exp(MOST_NATS))


def test_what_was_learnt_of_another_fault_changes_nothing() -> None:
    busy = (finding("b", Family.CPU, 9.0),)
    ranker = Fixed(Candidate("a", 5.0), Candidate("b", 4.0))
    assert judge(KNOWN, busy, DependencyGraph(()), ("a",), ranker, learnt) == judge(
        KNOWN, busy, DependencyGraph(()), ("a",), ranker
    )


def test_what_was_learnt_against_a_cause_is_said() -> None:
    said = judge(
        KNOWN, (), DependencyGraph(()), ("a",), Fixed(Candidate("a", 5.0)), lambda *_: Prior(-9.0, "rejected twice")
    )
    assert said.causes[0].against == ("rejected twice",)
    assert said.causes[0].prior.nats == -MOST_NATS


def test_at_most_ten_are_listed() -> None:
    many = [Candidate(f"e{place}", 5.0) for place in range(50)]
    assert len(judge(evidence(), (), DependencyGraph(()), ("a",), Fixed(*many)).causes) == 10


def test_a_resource_names_the_fault_rather_than_its_symptom() -> None:
    assert kind(finding("a", Family.LATENCY, 20.0), finding("a", Family.CPU, 11.0)) == "cpu"
    assert kind(finding("a", Family.LATENCY, 20.0), finding("a", Family.CPU, 9.0)) == "latency"
    assert kind(finding("a", Family.ERRORS, 3.0), finding("b", Family.CPU, 90.0)) == "errors"
    assert kind() == "unknown"


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (evidence(), "no evidence"),
        (evidence(panel(LATENCY, {})), "no evidence"),
        (evidence(panel(LATENCY, {"a": np.full(STEPS, 1.0)})), "nothing deviates"),
        (shop(), "has no part in what alerts"),
    ],
)
def test_why_there_is_no_cause(scene: Evidence, words: str) -> None:
    found = find(scene, RobustShift())
    said = judge(scene, found, DependencyGraph(scene.edges), ("a",), Fixed())
    assert words in said.reason
    assert said.none_probability == 1.0


def test_the_path_is_the_shortest_to_any_alarm() -> None:
    scene = shop()
    graph = DependencyGraph(scene.edges)
    one = judge(scene, (), graph, ("front", "cart"), Fixed(Candidate("db", 5.0), Candidate("nobody", 1.0)))
    assert one.causes[0].path == ("db", "cart")
    assert one.causes[1].path == ("nobody",)


def test_findings_of_the_cause_come_with_it_strongest_first() -> None:
    scene = shop()
    found = find(scene, RobustShift())
    said = judge(scene, found, DependencyGraph(scene.edges), ("front",), load_ranker("explain-away"))
    shown = said.causes[0].findings
    assert shown
    assert {one.entity for one in shown} == {said.causes[0].entity}
    assert [one.nats for one in shown] == sorted((one.nats for one in shown), reverse=True)
    assert said.findings == found


def test_many_signals_of_one_fact_do_not_add_up_to_more() -> None:
    assert combined([]) == 0.0
    assert combined([8.0]) == 8.0
    assert combined([8.0] * 100) == combined([8.0] * 4) == 15.0
    assert combined([1.0, 8.0, 2.0]) == combined([8.0, 2.0, 1.0]) == 8.0 + 1.0 + 0.25


@pytest.mark.parametrize("load", [load_detector, load_ranker])
def test_an_unknown_plugin_is_told_with_those_that_exist(load: object) -> None:
    assert callable(load)
    with pytest.raises(UnknownPluginError, match=r"'nonsense'.*(robust-shift|explain-away)"):
        load("nonsense")


def test_an_alarm_about_the_unknown_leaves_most_to_none_of_these() -> None:
    scene = shop()
    found, graph = find(scene, RobustShift()), DependencyGraph(scene.edges)
    known = judge(scene, found, graph, ("front",), MaxDeviation())
    unknown = judge(scene, found, graph, ("nobody",), MaxDeviation())
    assert known.none_probability < 0.1
    assert unknown.none_probability >= 0.7
    assert sum(cause.probability for cause in unknown.causes) == pytest.approx(1.0 - unknown.none_probability)
    assert all("nothing is known that connects it" in cause.against[-1] for cause in unknown.causes)


def test_evidence_that_chance_may_have_made_names_no_cause() -> None:
    said = judge(KNOWN, (), DependencyGraph(()), ("a",), Fixed(Candidate("a", 3.9)))
    assert said.causes == ()
    assert said.none_probability == 1.0
    assert judge(KNOWN, (), DependencyGraph(()), ("a",), Fixed(Candidate("a", 4.1))).causes


def test_what_was_learnt_does_not_make_a_cause_of_chance() -> None:
    slow = (finding("b", Family.LATENCY, 9.0),)
    assert judge(KNOWN, slow, DependencyGraph(()), ("a",), Fixed(Candidate("b", 3.9)), learnt).causes == ()


def test_where_no_cause_is_named_what_comes_nearest_is_a_suspect() -> None:
    told = (finding("b", Family.CPU, 3.0), finding("b", Family.LATENCY, 1.0))
    weak = [Candidate("b", NAMED_FROM - 0.1), *(Candidate(f"e{place}", 1.0) for place in range(9))]
    said = judge(evidence(), told, DependencyGraph(()), ("a",), Fixed(*weak))
    assert (said.causes, said.none_probability) == ((), 1.0)
    assert said.suspects[0] == Suspect("b", NAMED_FROM - 0.1, told[0])
    assert said.suspects[1].finding is None
    assert len(said.suspects) == 5
    assert said.ranking == tuple(one.entity for one in said.suspects)
    sure = judge(evidence(), told, DependencyGraph(()), ("a",), Fixed(Candidate("b", 9.0), Candidate("c", 1.0)))
    assert (sure.suspects, sure.ranking) == ((), ("b", "c"))
