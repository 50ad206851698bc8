"""What holds for every registered ranker, and for a judgement made with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import entry_points

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import Judgement, judge
from brain_engine.plugins import load_ranker
from brain_engine.rank.protocol import Candidate, Ranker, Situation
from brain_engine.series import Evidence, Panel
from tests.contract.engine.scenes import (
    BASELINE,
    CPU,
    ERRORS,
    HARMLESS,
    LATENCY,
    MEMORY,
    RATE,
    STEP,
    STEPS,
    T0,
    evidence,
    faulty,
    noise,
    panel,
    renamed,
    shop,
    shuffled,
)

NAMES = sorted(point.name for point in entry_points(group="ai_devops_brain.rankers"))
DETECTOR = RobustShift()


@pytest.fixture(params=NAMES)
def ranker(request: pytest.FixtureRequest) -> Ranker:
    return load_ranker(request.param)


def situation(scene: Evidence, *alerting: str) -> Situation:
    return Situation(scene, find(scene, DETECTOR), DependencyGraph(scene.edges), alerting)


def rank(ranker: Ranker, scene: Evidence, *alerting: str) -> Sequence[Candidate]:
    return check(ranker.rank(situation(scene, *alerting)), scene)


def check(found: Sequence[Candidate], scene: Evidence) -> Sequence[Candidate]:
    """What every ranking is: known entities, each once, by weight, ties by name."""
    names = [candidate.entity for candidate in found]
    assert len(set(names)) == len(names)
    assert set(names) <= {name for one in scene.panels for name in one.entities}
    assert all(candidate.weight > 0 and math.isfinite(candidate.weight) for candidate in found)
    assert names == sorted(names, key=lambda name: (-found[names.index(name)].weight, name))
    return found


def verdict(ranker: Ranker, scene: Evidence, *alerting: str) -> Judgement:
    return judge(scene, find(scene, DETECTOR), DependencyGraph(scene.edges), alerting, ranker)


def essence(found: Sequence[Candidate]) -> list[tuple[str, object]]:
    return [(candidate.entity, pytest.approx(candidate.weight, rel=1e-9)) for candidate in found]


def test_the_built_in_ones_are_registered() -> None:
    assert {"explain-away", "max-deviation", "n-sigma"} <= set(NAMES)


def test_goes_by_the_name_it_is_registered_under(ranker: Ranker) -> None:
    assert ranker.name in NAMES


def test_a_fault_gives_candidates(ranker: Ranker) -> None:
    assert rank(ranker, shop(), "front")


def test_the_same_input_gives_the_same_answer(ranker: Ranker) -> None:
    assert list(rank(ranker, shop(), "front")) == list(rank(ranker, shop(), "front"))


@pytest.mark.parametrize("seed", range(5))
def test_order_of_the_evidence_changes_nothing(ranker: Ranker, seed: int) -> None:
    scene = shop()
    assert essence(rank(ranker, shuffled(scene, seed), "front")) == essence(rank(ranker, scene, "front"))


@pytest.mark.parametrize(
    "names",
    [
        {"front": "zz", "cart": "aa", "db": "mm", "ads": "bb"},
        {"front": "a", "cart": "b", "db": "c", "ads": "d"},
        {"front": "c/ns/service/%", "cart": "c/ns/service/ü", "db": "c/ns/service/ ", "ads": "c/ns/service/\u202e"},
    ],
)
def test_names_change_nothing_but_names(ranker: Ranker, names: dict[str, str]) -> None:
    before = rank(ranker, shop(), "front")
    after = rank(ranker, renamed(shop(), names), names["front"])
    assert [(names[entity], weight) for entity, weight in essence(before)] == essence(after)


def test_order_of_the_alarms_changes_nothing(ranker: Ranker) -> None:
    assert essence(rank(ranker, shop(), "front", "cart")) == essence(rank(ranker, shop(), "cart", "front"))


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_series_top_no_ranking(ranker: Ranker, kind: str) -> None:
    scene = shop()
    extra = {name: HARMLESS[kind]() for name in ("aaa", "zzz")}
    panels = tuple(
        Panel(one.signal, (*one.entities, *extra), np.vstack([one.values, *extra.values()])) for one in scene.panels
    )
    found = rank(ranker, replace(scene, panels=panels), "front")
    assert {candidate.entity for candidate in found[:3]} & set(extra) == set()
    assert found[0].entity == rank(ranker, scene, "front")[0].entity


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_series_alone_are_no_cause(ranker: Ranker, kind: str) -> None:
    signals = (LATENCY, ERRORS, RATE, CPU, MEMORY)
    rows = {name: HARMLESS[kind]() for name in ("a", "b", "c")}
    scene = evidence(*(panel(signal, rows) for signal in signals), calls=[("a", "b"), ("b", "c")])
    assert rank(ranker, scene, "a") == ()
    said = verdict(ranker, scene, "a")
    assert said.causes == ()
    assert said.none_probability == 1.0
    assert said.reason


@pytest.mark.parametrize("alerting", [(), ("front",), ("nobody",)])
def test_empty_evidence(ranker: Ranker, alerting: tuple[str, ...]) -> None:
    assert rank(ranker, evidence(), *alerting) == ()
    assert "no evidence" in verdict(ranker, evidence(), *alerting).reason


@pytest.mark.parametrize("signal", [LATENCY, ERRORS, RATE, CPU])
def test_one_panel_is_enough_to_run(ranker: Ranker, signal: object) -> None:
    scene = shop()
    only = replace(scene, panels=tuple(one for one in scene.panels if one.signal == signal))
    rank(ranker, only, "front")


def test_an_empty_window_has_no_cause(ranker: Ranker) -> None:
    assert rank(ranker, replace(shop(), window_start=T0 + STEP * STEPS), "front") == ()


def test_no_baseline_gives_no_cause(ranker: Ranker) -> None:
    assert rank(ranker, replace(shop(), window_start=T0 - STEP), "front") == ()


@pytest.mark.parametrize("alerting", [("nobody",), ("front", "nobody"), ("nobody", "nobody-else"), ("ads", "nobody")])
def test_alarms_that_the_evidence_does_not_know(ranker: Ranker, alerting: tuple[str, ...]) -> None:
    assert "nobody" not in {candidate.entity for candidate in rank(ranker, shop(), *alerting)}


def test_an_alarm_without_any_edge(ranker: Ranker) -> None:
    assert rank(ranker, replace(shop(), edges=()), "front")


@pytest.mark.parametrize(
    "circle",
    [
        [("front", "cart"), ("cart", "db"), ("db", "front")],
        [("front", "cart"), ("cart", "front"), ("cart", "db"), ("db", "cart")],
        [("front", "front"), ("cart", "cart"), ("db", "db")],
        [(a, b) for a in ("front", "cart", "db", "ads") for b in ("front", "cart", "db", "ads")],
    ],
    ids=["ring", "both ways", "selves", "everybody"],
)
def test_circles_explain_nobody_away(ranker: Ranker, circle: list[tuple[str, str]]) -> None:
    scene = shop()
    found = rank(ranker, evidence(*scene.panels, calls=circle), "front")
    assert found
    assert "ads" not in {candidate.entity for candidate in found[:3]}


@pytest.mark.parametrize("name", NAMES)
@given(
    edges=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=20),
    broken=st.sets(st.sampled_from("abcde"), max_size=5),
    alerting=st.lists(st.sampled_from("abcdefx"), max_size=4, unique=True),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_any_graph_and_any_alarms(
    name: str, edges: list[tuple[str, str]], broken: set[str], alerting: list[str], seed: int
) -> None:
    latency = {e: faulty(seed + ord(e), 0.1, 0.005, 0.9 if e in broken else 0.1) for e in "abcde"}
    rate = {e: noise(seed + ord(e), 20.0, 0.5) for e in "abce"}
    scene = evidence(panel(LATENCY, latency), panel(RATE, rate), calls=edges)
    ranker = load_ranker(name)
    found = rank(ranker, scene, *alerting)
    assert {candidate.entity for candidate in found} <= broken
    said = verdict(ranker, scene, *alerting)
    total = sum(cause.probability for cause in said.causes) + said.none_probability
    assert total == pytest.approx(1.0)
    assert essence(rank(ranker, shuffled(scene, seed), *alerting)) == essence(found)


def test_probabilities_are_in_order_and_add_up(ranker: Ranker) -> None:
    said = verdict(ranker, shop(), "front")
    probabilities = [cause.probability for cause in said.causes]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) + said.none_probability == pytest.approx(1.0)


def test_the_scene_has_a_baseline() -> None:
    assert BASELINE * STEP == 1800.0
