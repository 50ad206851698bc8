"""The dependency-aware ranker: who is blamed, who is excused, and when nobody is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import Finding, find
from brain_engine.flow.questions import EDGE_TIME, TRANSITION
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import NAMED_FROM
from brain_engine.rank.excess import Excess, excesses
from brain_engine.rank.explain_away import ExplainAway
from brain_engine.rank.protocol import Candidate, Situation
from brain_engine.series import Array, Direction, Edge, EdgeKind, Event, EventKind, Evidence, Family, Panel, Signal
from tests.contract.engine.scenes import (
    BASELINE,
    CPU,
    ERRORS,
    LATENCY,
    ONSET,
    RATE,
    STEPS,
    evidence,
    faulty,
    noise,
    panel,
    shop,
)

NOT_READY = Signal("pod_not_ready", Family.AVAILABILITY, "pods", Direction.UP)


def situation(scene: Evidence, *alerting: str, more: Sequence[Finding] = (), since: float | None = None) -> Situation:
    found = (*find(scene, RobustShift()), *more)
    return Situation(scene, found, DependencyGraph(scene.edges), alerting, since)


def excess_of(scene: Evidence, *alerting: str) -> Excess:
    """Of latencies."""
    return excesses(situation(scene, *alerting), RobustShift())[0]


def rank(scene: Evidence, *alerting: str) -> tuple[Candidate, ...]:
    return tuple(ExplainAway().rank(situation(scene, *alerting)))


def names(scene: Evidence, *alerting: str) -> list[str]:
    return [candidate.entity for candidate in rank(scene, *alerting)]


def named(candidates: Iterable[Candidate]) -> list[str]:
    """Those that would be told as causes."""
    return [candidate.entity for candidate in candidates if candidate.weight >= NAMED_FROM]


def chain(latency: Mapping[str, Array], rate: Mapping[str, Array], *calls: tuple[str, str]) -> Evidence:
    return evidence(panel(LATENCY, latency), panel(RATE, rate), calls=calls)


def test_the_callee_at_the_end_of_the_chain_is_first() -> None:
    assert names(shop(), "front")[0] == "db"


def test_the_caller_says_who_its_trouble_comes_from() -> None:
    against = {candidate.entity: candidate.against for candidate in rank(shop(fault=0.3), "front")}
    assert against["db"] == ()
    assert any("most of its trouble comes from cart" in text for text in against.get("front", ())) or (
        "front" not in against
    )


def test_without_graph_whoever_is_slow_is_a_candidate() -> None:
    assert {"db", "cart", "front"} <= set(names(replace(shop(), edges=()), "front"))


def test_a_caller_slow_by_itself_is_blamed_although_its_callee_is_a_little_slow_too() -> None:
    latency = {"front": faulty(1, 0.1, 0.005, 2.0), "cart": faulty(2, 0.05, 0.0025, 0.1)}
    rate = {name: noise(3, 20.0, 0.5) for name in latency}
    assert names(chain(latency, rate, ("front", "cart")), "front")[0] == "front"


def test_requests_weigh_a_slow_callee_that_is_hardly_called_explains_little() -> None:
    latency = {"front": faulty(1, 0.1, 0.005, 2.0), "rare": faulty(2, 0.05, 0.0025, 2.0)}
    rate = {"front": noise(3, 100.0, 0.5), "rare": noise(4, 0.5, 0.01)}
    assert names(chain(latency, rate, ("front", "rare")), "front")[0] == "front"


def new_callee(seen_before: bool, rate_before: float = np.nan) -> Evidence:
    """``front`` became slow as it began to call ``fresh``, which is as slow."""
    fresh = faulty(2, 0.05, 0.002, 2.0)
    rate = noise(4, 20.0, 0.5)
    if not seen_before:
        fresh[:ONSET] = np.nan
        rate[:ONSET] = rate_before
    latency = {"front": faulty(1, 0.1, 0.005, 2.0), "fresh": fresh}
    return chain(latency, {"front": noise(3, 20.0, 0.5), "fresh": rate}, ("front", "fresh"))


def test_an_old_callee_explains_its_caller() -> None:
    assert names(new_callee(seen_before=True), "front")[0] == "fresh"


@pytest.mark.parametrize("rate_before", [np.nan, 0.0])
def test_a_new_callee_explains_nothing_away(rate_before: float) -> None:
    assert names(new_callee(seen_before=False, rate_before=rate_before), "front")[0] == "front"


def test_a_new_failing_callee_explains_nothing_away() -> None:
    ratio = np.full(STEPS, np.nan)
    ratio[ONSET:] = 1.0
    errors = {"front": faulty(1, 0.0, 0.0, 0.9), "fresh": ratio}
    rate = noise(4, 20.0, 0.5)
    rate[:ONSET] = 0.0
    scene = evidence(
        panel(ERRORS, errors), panel(RATE, {"front": noise(3, 20.0, 0.5), "fresh": rate}), calls=[("front", "fresh")]
    )
    assert names(scene, "front")[0] == "front"


def test_a_callee_that_is_gone_is_no_longer_blamed_for_being_slow() -> None:
    latency = {"front": faulty(1, 0.1, 0.005, 2.0), "gone": noise(2, 0.05, 0.002)}
    latency["gone"][BASELINE:] = np.nan
    rate = {name: noise(3, 20.0, 0.5) for name in latency}
    assert names(chain(latency, rate, ("front", "gone")), "front") == ["front"]


def test_its_own_resources_speak_for_an_entity_whoever_calls_it() -> None:
    scene = shop()
    cpu = {name: noise(40, 0.4, 0.02) for name in ("front", "cart", "db", "ads")}
    cpu["cart"] = faulty(41, 0.4, 0.02, 6.0)
    panels = tuple(panel(CPU, cpu) if one.signal == CPU else one for one in scene.panels)
    assert "cart" in names(replace(scene, panels=panels), "front")[:2]


def test_an_alarm_that_does_not_deviate_has_no_cause() -> None:
    assert named(rank(shop(), "ads")) == []


def test_an_alarm_that_is_hardly_in_trouble_and_has_no_place_in_the_graph_is_judged_by_itself() -> None:
    slow = panel(LATENCY, {"a": faulty(1, 0.1, 0.005, 0.111)})
    scene = evidence(slow, panel(CPU, {"a": faulty(2, 0.2, 0.01, 0.9)}))
    assert 2.5 <= excess_of(scene, "a").nats_of("a") < 3.0
    assert names(scene, "a") == ["a"]


def test_an_alert_that_names_nothing_is_about_whatever_is_in_trouble() -> None:
    assert names(shop(), *())[0] == "db"
    assert rank(shop(fault=0.0), *()) == ()


def test_an_alarm_that_nobody_measures_is_believed() -> None:
    assert names(shop(), "backup-job")


def test_traffic_alone_is_no_trouble() -> None:
    rate = {"front": faulty(3, 50.0, 1.0, 75.0), "cart": faulty(4, 50.0, 1.0, 75.0)}
    latency = {name: noise(seed, 0.1, 0.005) for seed, name in enumerate(rate)}
    assert named(rank(chain(latency, rate, ("front", "cart")), "front")) == []


def test_what_the_alarm_does_not_depend_on_weighs_less_and_says_so() -> None:
    latency = {
        "front": faulty(1, 0.1, 0.005, 2.0),
        "cart": faulty(2, 0.05, 0.0025, 1.9),
        "far": faulty(3, 0.05, 0.002, 9.0),
        "farther": noise(6, 0.05, 0.002),
    }
    rate = {name: noise(4, 20.0, 0.5) for name in latency}
    found = rank(chain(latency, rate, ("front", "cart"), ("far", "farther")), "front")
    assert found[0].entity == "cart"
    far = next(candidate for candidate in found if candidate.entity == "far")
    assert any("nothing that alerts is known to depend on it" in text for text in far.against)


def test_a_circle_excuses_nobody() -> None:
    latency = {"a": faulty(1, 0.1, 0.005, 2.0), "b": faulty(2, 0.1, 0.005, 2.1)}
    rate = {name: noise(3, 20.0, 0.5) for name in latency}
    assert set(names(chain(latency, rate, ("a", "b"), ("b", "a")), "a")) == {"a", "b"}


@pytest.mark.parametrize("quantile", ["mean", "p50", "p90", "p95", "p99"])
def test_any_latency_of_the_catalogue_serves(quantile: str) -> None:
    scene = shop()
    signal = Signal(f"service_latency_{quantile}", Family.LATENCY, "seconds", Direction.UP)
    panels = tuple(replace(one, signal=signal) if one.signal == LATENCY else one for one in scene.panels)
    assert names(replace(scene, panels=panels), "front")[0] == "db"


def test_who_publishes_no_mean_is_measured_by_what_it_publishes() -> None:
    scene = shop()
    [whole] = [one for one in scene.panels if one.signal == LATENCY]
    tail = replace(whole, signal=replace(LATENCY, name="service_latency_p99"))
    but_front = panel(
        LATENCY, {name: row for name, row in zip(*(whole.entities, whole.values), strict=True) if name != "front"}
    )
    others = tuple(one for one in scene.panels if one is not whole)
    assert LATENCY.name == "service_latency_mean"
    assert excess_of(replace(scene, panels=(*others, but_front)), "front").nats_of("front") == 0.0
    filled = excess_of(replace(scene, panels=(*others, but_front, tail)), "front")
    assert filled.nats_of("front") == excess_of(scene, "front").nats_of("front")


def test_trouble_that_no_mean_shows_is_seen_in_the_latency_that_does() -> None:
    mean = panel(LATENCY, {"front": noise(1, 0.1, 0.01), "cart": noise(2, 0.1, 0.01)})
    tail = replace(LATENCY, name="service_latency_p99")
    worse = panel(tail, {"front": faulty(3, 0.5, 0.02, 2.0), "cart": noise(4, 0.5, 0.02)})
    assert excess_of(evidence(mean, worse), "front").nats_of("front") > 3.0
    assert excess_of(evidence(mean, worse), "cart").nats_of("front") == 0.0


def test_excess_adds_up_along_the_chain() -> None:
    [latency, errors] = excesses(situation(shop(fault=0.8), "front"), RobustShift())
    assert latency.family is Family.LATENCY
    profile = latency.profile(["front"])
    assert profile is not None
    masses = dict(zip(latency.row, latency.masses(profile), strict=True))
    assert masses["db"] == pytest.approx(50 * 0.78, rel=0.1)
    assert masses["front"] > masses["cart"] > masses["db"] > 10 * abs(masses["ads"])
    assert errors.profile(["front"]) is None


def test_excess_without_request_rates_counts_time_only() -> None:
    scene = replace(shop(), panels=tuple(one for one in shop().panels if one.signal != RATE))
    latency = excess_of(scene, "front")
    profile = latency.profile(["front"])
    assert profile is not None
    assert latency.masses(profile)[latency.row["db"]] == pytest.approx(0.78, rel=0.1)


def test_whose_answers_nobody_measures_accounts_for_its_callers_by_its_own_resources() -> None:
    rows = {"front": faulty(1, 0.05, 0.002, 2.0)}
    backlog = Signal("kafka_consumer_lag", Family.SATURATION, "messages", Direction.UP)
    waits = panel(backlog, {"worker": faulty(2, 10.0, 0.5, 500.0)})
    scene = evidence(
        panel(LATENCY, rows), panel(RATE, {"front": noise(3, 20.0, 0.5)}), waits, calls=[("front", "worker")]
    )
    together, apart = ranked(scene, alerting=("front",)), ranked(replace(scene, edges=()), alerting=("front",))
    assert together["front"] < 0.5 * apart["front"]
    assert together["worker"] == apart["worker"]


def test_one_alarm_that_wandered_off_long_before_does_not_tell_when_the_trouble_began() -> None:
    rows = {f"s{n}": faulty(n, 0.05, 0.002, 2.0) for n in range(4)} | {
        "odd": faulty(9, 0.05, 0.002, 0.08, BASELINE + 2)
    }
    cpu = panel(CPU, {"s0": faulty(11, 0.2, 0.01, 0.9)})
    scene = evidence(panel(LATENCY, rows), panel(RATE, {name: noise(3, 20.0, 0.5) for name in rows}), cpu)
    with_odd = {one.entity: one.weight for one in rank(scene, "s0", "s1", "s2", "s3", "odd")}
    without = {one.entity: one.weight for one in rank(scene, "s0", "s1", "s2", "s3")}
    assert with_odd["s0"] == pytest.approx(without["s0"])


def test_absurd_numbers_do_not_spread() -> None:
    scene = shop()
    wild = np.where(np.arange(STEPS) % 3 == 0, 1e308, -np.inf)
    panels = tuple(Panel(one.signal, (*one.entities, "wild"), np.vstack([one.values, wild])) for one in scene.panels)
    assert names(replace(scene, panels=panels), "front")[0] == "db"


def test_without_explaining_away_every_victim_is_as_bad_as_the_culprit() -> None:
    whole, blind = ExplainAway(), ExplainAway().without("explaining-away")
    scene = shop()
    asked = Situation(scene, find(scene, RobustShift()), DependencyGraph(scene.edges), ("front",))
    weights = {candidate.entity: candidate.weight for candidate in whole.rank(asked)}
    unexplained = {candidate.entity: candidate.weight for candidate in blind.rank(asked)}
    assert unexplained["front"] > weights.get("front", 0.0)
    assert unexplained["db"] == pytest.approx(weights["db"])


def test_without_the_question_whether_the_alarm_is_real_any_alarm_has_a_cause() -> None:
    scene = shop()
    calm = replace(scene, panels=tuple(replace(one, values=one.values.copy()) for one in scene.panels))
    for one in calm.panels:
        one.values[one.entities.index("front")] = 1.0
    asked = Situation(calm, find(calm, RobustShift()), DependencyGraph(calm.edges), ("front",))
    assert not named(ExplainAway().rank(asked))
    assert named(ExplainAway().without("real-alarm").rank(asked))


def on_node(node: Mapping[str, Array], share: float = 1.0) -> Evidence:
    """``front`` and ``cart`` are slow, do not call each other, and run on ``node`` with that share of their pods."""
    latency = {name: faulty(seed, 0.05, 0.002, 2.0) for seed, name in enumerate(("front", "cart"), start=1)}
    rate = {name: noise(3, 20.0, 0.5) for name in latency}
    busy = Signal("node_cpu_busy", Family.CPU, "ratio", Direction.UP, 1.0)
    scene = evidence(panel(LATENCY, latency), panel(RATE, rate), panel(busy, node))
    edges = tuple(Edge(name, "node", EdgeKind.RUNS_ON, weight=share) for name in latency)
    return replace(scene, edges=edges)


def test_a_machine_whose_own_resources_deviate_accounts_for_what_runs_there() -> None:
    assert names(on_node({"node": faulty(9, 0.3, 0.01, 1.0)}), "front", "cart")[0] == "node"


def test_a_machine_accounts_for_as_little_as_runs_there() -> None:
    assert names(on_node({"node": faulty(9, 0.3, 0.01, 0.45)}, share=0.05), "front", "cart")[0] != "node"


def test_a_machine_that_is_well_accounts_for_nothing() -> None:
    assert "node" not in names(on_node({"node": noise(9, 0.3, 0.01)}), "front", "cart")


def test_what_is_asked_for_more_is_in_trouble_because_of_who_asks() -> None:
    latency = {"entry": faulty(1, 0.02, 0.001, 0.2), "auth": faulty(2, 0.005, 0.0002, 2.0)}
    rate = {"entry": faulty(3, 20.0, 0.5, 200.0), "auth": faulty(4, 20.0, 0.5, 200.0)}
    flooded = rank(chain(latency, rate, ("entry", "auth")), "entry")
    calm = rank(chain(latency, {name: noise(3, 20.0, 0.5) for name in latency}, ("entry", "auth")), "entry")
    weights = [{one.entity: one.weight for one in found} for found in (flooded, calm)]
    assert weights[0]["entry"] > weights[1].get("entry", 0.0)
    assert calm[0].entity == "auth"


def test_the_number_of_each_step_can_be_followed_to_the_evidence_it_was_made_of() -> None:
    parts = [part for one in rank(shop(), "front") for part in one.parts if " × " in part.how]
    assert any("its own share of the trouble" in part.how for part in parts)
    for part in parts:
        factors = [Fraction(step.split()[0]) for step in part.how.split(" × ")]
        assert float(math.prod(factors)) == pytest.approx(part.nats, rel=0.05)


def test_the_second_finding_of_an_entity_counts_half_and_says_so() -> None:
    latency = {name: faulty(seed, 0.05, 0.002, 2.0) for seed, name in enumerate(("front", "cart"), start=1)}
    scene = chain(latency, {name: faulty(3, 20.0, 0.5, 2.0) for name in latency}, ("front", "cart"))
    told = [part.how for one in rank(scene, "front") for part in one.parts]
    assert any(how.endswith("× 1/2 as its second finding") for how in told)


def test_what_was_changed_shortly_before_weighs_more_and_says_so() -> None:
    scene = shop()
    at = float(scene.times[ONSET]) - 60.0
    changed = replace(scene, events=(Event(at, "cart", "rollout", "cart 1.3", "alex", EventKind.CHANGE),))
    before, after = ({one.entity: one for one in rank(known, "front")}["cart"].weight for known in (scene, changed))
    assert after > before
    cart = {one.entity: one for one in rank(changed, "front")}["cart"]
    assert [part.what for part in cart.parts][-1] == "changed shortly before"
    assert sum(part.nats for part in cart.parts) == pytest.approx(cart.weight)


def went_wrong(entity: str, scene: Evidence, nats: float = 6.0, signal: Signal = TRANSITION) -> Finding:
    """Requests took a step at an entity that they did not take before."""
    onset = float(scene.times[ONSET])
    return Finding(entity, signal, 0, nats, 0.99, onset, Direction.UP, 0.0, 1.0, "after 'a': 'b'")


def ranked(
    scene: Evidence, *more: Finding, alerting: tuple[str, ...] = (), since: float | None = None
) -> dict[str, float]:
    """Weights, best first."""
    candidates = ExplainAway().rank(situation(scene, *alerting, more=more, since=since))
    return {one.entity: one.weight for one in candidates}


@pytest.mark.parametrize("alerting", [(), ("front",)])
def test_wrong_answers_given_in_time_are_found_whatever_alerts(alerting: tuple[str, ...]) -> None:
    calm = shop(fault=0.02)
    assert ranked(calm, alerting=alerting) == {}
    assert ranked(calm, went_wrong("cart", calm), alerting=alerting) == {"cart": pytest.approx(6.0)}


def test_where_what_alerts_is_well_only_requests_speak() -> None:
    calm = shop(fault=0.02)
    rows = {name: faulty(7, 0.2, 0.01, 0.9) if name == "ads" else noise(8, 0.2, 0.01) for name in ("front", "ads")}
    busy = replace(calm, panels=(*(one for one in calm.panels if one.signal != CPU), panel(CPU, rows)))
    assert "ads" in ranked(busy)
    [(suspect, weight)] = ranked(busy, alerting=("front",)).items()
    assert (suspect, weight) == ("ads", pytest.approx(0.05 * ranked(busy)["ads"], rel=0.2))
    weights = ranked(busy, went_wrong("cart", busy), alerting=("front",))
    assert list(weights) == ["cart", "ads"]
    assert weights["ads"] == pytest.approx(weight)


@pytest.mark.parametrize("series", [1, 300])
def test_however_much_deviates_elsewhere_it_is_not_named_while_what_alerts_is_well(series: int) -> None:
    rows = {"front": noise(8, 0.2, 0.01), "ads": np.where(np.arange(STEPS) < ONSET, 0.0, 1e9)}
    rows |= {f"n{n}": np.full(STEPS, 0.2) for n in range(series)}
    signals = [replace(CPU, name=f"resource_{n}") for n in range(6)]
    calm = replace(
        shop(fault=0.02), events=(Event(float(shop().times[ONSET]), "ads", "Synced", "", "", EventKind.CHANGE),)
    )
    scene = replace(calm, panels=(*calm.panels, *(panel(signal, rows) for signal in signals)))
    found = rank(scene, "front")
    assert found[0].entity == "ads"
    assert named(found) == []


def test_of_what_nobody_measures_the_alert_says_when_the_trouble_began() -> None:
    rows = {"old": faulty(7, 0.2, 0.01, 0.9, onset=BASELINE + 4), "new": faulty(8, 0.2, 0.01, 0.9, onset=STEPS - 12)}
    scene = evidence(panel(CPU, rows))
    late = float(scene.times[STEPS - 10])
    weights, alike = ranked(scene, since=late), ranked(scene)
    assert weights["new"] == alike["new"]
    assert weights["old"] == pytest.approx(0.5 * alike["old"])


def test_what_requests_did_is_no_symptom_of_callees_whose_part_was_put_aside() -> None:
    scene = shop()
    without, told = ranked(scene, alerting=("front",)), went_wrong("cart", scene, 20.0)
    assert ranked(scene, told, alerting=("front",))["cart"] >= without.get("cart", 0.0) + 10.0


def test_the_time_on_the_way_to_somebody_is_weighed_as_before() -> None:
    calm = shop(fault=0.02)
    assert ranked(calm, went_wrong("cart", calm, signal=EDGE_TIME), alerting=("front",))["cart"] < NAMED_FROM


@pytest.mark.parametrize(("first", "named"), [(ONSET, ["new"]), (0, [])])
def test_what_alerts_and_has_no_past_is_named_for_lack_of_anything_better(first: int, named: list[str]) -> None:
    idle = np.where(np.arange(STEPS) >= first, 0.0, np.nan)
    assert names(evidence(panel(CPU, {"new": idle, "other": noise(1, 0.2, 0.01)})), "new") == named


def test_what_was_measured_of_a_new_alarm_counts_before_its_being_new() -> None:
    errors = np.where(np.arange(STEPS) >= ONSET, 0.5, np.nan)
    [found] = rank(evidence(panel(ERRORS, {"new": errors})), "new")
    assert [part.what for part in found.parts] == ["service error ratio"]


def test_who_asks_for_too_much_is_ahead_of_whom_it_overwhelms() -> None:
    """Devices knock again and again: the gate hands it all on to who checks them, and waits for the answers."""
    latency = {"gate": faulty(1, 0.1, 0.005, 2.0), "check": faulty(2, 0.05, 0.0025, 2.0)}
    steady = {"gate": noise(3, 50.0, 0.5), "check": noise(4, 20.0, 0.2)}
    flooded = {"gate": faulty(3, 50.0, 0.5, 120.0), "check": faulty(4, 20.0, 0.2, 90.0)}
    assert names(chain(latency, steady, ("gate", "check")), "gate")[0] == "check"
    assert names(chain(latency, flooded, ("gate", "check")), "gate")[0] == "gate"


@pytest.mark.parametrize(("minutes_before", "expected"), [(3, ["front"]), (30, [])])
def test_what_was_over_long_before_the_alert_is_not_what_it_fires_about(
    minutes_before: int, expected: list[str]
) -> None:
    """Pods that were replaced half an hour ago, and have been ready ever since."""
    values = np.zeros(STEPS)
    values[ONSET : ONSET + 5] = 1.0
    answers = {"front": noise(1, 0.1, 0.005), "back": noise(2, 0.1, 0.005)}
    scene = evidence(panel(NOT_READY, {"front": values, "back": np.zeros(STEPS)}), panel(LATENCY, answers))
    over = float(scene.times[ONSET + 5])
    ranked = ExplainAway().rank(situation(scene, "front", since=over + 60.0 * minutes_before))
    assert named(ranked) == expected


@pytest.mark.parametrize(("samples", "expected"), [(5, []), (STEPS, ["front"])])
def test_a_rollout_that_goes_well_is_no_cause_and_one_whose_pods_stay_unready_is(
    samples: int, expected: list[str]
) -> None:
    values = np.zeros(STEPS)
    values[ONSET : ONSET + samples] = 1.0
    answers = {"front": noise(1, 0.1, 0.005), "back": noise(2, 0.1, 0.005)}
    scene = evidence(panel(NOT_READY, {"front": values, "back": np.zeros(STEPS)}), panel(LATENCY, answers))
    at = float(scene.times[ONSET])
    rollout = Event(at, "front", "rollout", "front 1.3", "alex", EventKind.CHANGE)
    ranked = ExplainAway().rank(situation(replace(scene, events=(rollout,)), "front", since=at + 60.0))
    assert named(ranked) == expected
