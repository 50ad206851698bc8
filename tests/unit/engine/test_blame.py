"""How much of an entity's trouble each of its dependencies accounts for, idea by idea."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.findings import Finding
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.blame import (
    Blame,
    blame_of_calls,
    blame_of_machines,
    together,
    with_timeouts,
)
from brain_engine.rank.excess import Excess
from brain_engine.rank.timing import Timing
from brain_engine.rank.trouble import walk
from brain_engine.series import Direction, Edge, EdgeKind, Family, Signal

TIMING = Timing(trouble=1000.0, tolerance=30.0)
PROFILE = np.full(4, 0.25)
SURE = 40.0  # nats: beyond all doubt
NAMES = st.sampled_from("abcdef")
PARTS = st.dictionaries(NAMES, st.dictionaries(NAMES, st.floats(0.0, 1.0), max_size=4), max_size=6)


def excess(**entities: Mapping[str, float]) -> Excess:
    """Of ``mass`` (seconds waited a second); as slow as usual times ``factor``; with nats, onset and rate."""
    ways = [
        {"mass": 0.0, "factor": 1.0, "nats": SURE, "onset": 1000.0, "rate": 10.0, **one} for one in entities.values()
    ]
    column = {name: np.array([one[name] for one in ways]) for name in ("mass", "factor", "nats", "onset", "rate")}
    return Excess(
        family=Family.LATENCY,
        row={name: row for row, name in enumerate(entities)},
        window=np.repeat(column["mass"][:, None], 4, axis=1),
        nats=column["nats"],
        onset=column["onset"],
        until=np.full(len(ways), np.nan),
        level=np.repeat(column["factor"][:, None], 4, axis=1),
        usual=np.ones(len(ways)),
        rate=column["rate"],
    )


def calls(*pairs: str) -> DependencyGraph:
    return DependencyGraph(Edge(pair[0], pair[1], EdgeKind.CALLS) for pair in pairs)


def blamed(one: Excess, *pairs: str) -> Blame:
    return blame_of_calls(one, PROFILE, calls(*pairs), TIMING, [])


# By masses and by factors


def test_a_callee_accounts_for_the_part_that_its_excess_is() -> None:
    found = blamed(excess(a={"mass": 4.0, "factor": 8.0}, b={"mass": 1.0, "factor": 1.0}), "ab")
    assert found == {"a": {"b": pytest.approx(0.25)}}


def test_what_masses_leave_open_goes_by_factor_and_doubt() -> None:
    """A caller out of workers is far slower than what its callee costs it."""
    slow = {"mass": 1.0, "factor": 8.0}
    assert blamed(excess(a={"mass": 4.0, "factor": 8.0}, b=slow), "ab")["a"]["b"] == pytest.approx(1.0, abs=1e-3)
    doubtful = blamed(excess(a={"mass": 4.0, "factor": 8.0}, b={**slow, "nats": 4.0}), "ab")["a"]["b"]
    assert doubtful == pytest.approx(0.25 + 0.75 * (1 - np.exp(-1.0)))


def test_half_the_factor_in_logarithms_is_half_of_what_is_open() -> None:
    found = blamed(excess(a={"mass": 4.0, "factor": 9.0}, b={"mass": 1.0, "factor": 3.0}), "ab")
    assert found["a"]["b"] == pytest.approx(0.25 + 0.75 * 0.5, abs=1e-3)


def test_more_than_everything_is_divided_by_mass() -> None:
    found = blamed(excess(a={"mass": 4.0}, b={"mass": 4.0}, c={"mass": 12.0}), "ab", "ac")
    assert found["a"] == pytest.approx({"b": 0.5, "c": 0.5})  # none is to blame for more than all of it


def test_what_is_not_really_slow_is_nobody_to_blame() -> None:
    found = blamed(excess(a={"mass": 4.0}, b={"mass": 4.0, "nats": 2.9}, c={"mass": -4.0}), "ab", "ac")
    assert found == {}


def test_nothing_is_blamed_by_who_is_well() -> None:
    assert blamed(excess(a={"mass": 4.0, "nats": 1.0}, b={"mass": 4.0}), "ab") == {}


def test_what_alerts_is_in_trouble_although_it_hardly_shows() -> None:
    one = excess(a={"mass": 4.0, "nats": 2.6}, b={"mass": 4.0})
    assert blamed(one, "ab") == {}
    assert blame_of_calls(one, PROFILE, calls("ab"), TIMING, ["a"]) == {"a": {"b": pytest.approx(1.0)}}


# Who is doubted


def by_mass(**more: Mapping[str, float]) -> Excess:
    """``a`` calls ``b``, whose excess is half of a's; factors say nothing."""
    return excess(**{"a": {"mass": 4.0}, "b": {"mass": 2.0}, **more})


def test_a_callee_that_is_late_is_blamed_for_little() -> None:
    in_time = blamed(by_mass(b={"mass": 2.0, "onset": 1030.0}), "ab")["a"]["b"]
    late = blamed(by_mass(b={"mass": 2.0, "onset": 1031.0}), "ab")["a"]["b"]
    assert [in_time, late] == pytest.approx([0.5, 0.15])


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"rate": 5.0, "mass": 0.0}, 0.2),  # half as busy and well: it is the way a calls
        ({"rate": 4.9, "mass": 0.0}, 0.5),  # less busy: it may not feel it
        ({"rate": 10.0, "mass": 0.1}, 0.2),  # would have to feel half of what b loses, and feels a tenth of that
        ({"rate": 10.0, "mass": 0.11}, 0.5),  # not well either
    ],
)
def test_who_suffers_alone_of_those_who_call_has_its_own_trouble(other: Mapping[str, float], part: float) -> None:
    assert blamed(by_mass(c=other), "ab", "cb")["a"]["b"] == pytest.approx(part)


def test_others_are_held_against_by_how_often_they_call_the_callee_not_by_how_busy_they_are() -> None:
    def part(of_c: float | None) -> float:
        edges = [Edge("a", "b", EdgeKind.CALLS, rate=10.0), Edge("c", "b", EdgeKind.CALLS, rate=of_c)]
        one = by_mass(c={"rate": 1000.0, "mass": 0.0})
        return blame_of_calls(one, PROFILE, DependencyGraph(edges), TIMING, [])["a"]["b"]

    assert part(4.9) == pytest.approx(0.5)  # busy, but seldom with b
    assert part(5.0) == pytest.approx(0.2)
    assert part(None) == pytest.approx(0.2)  # not counted for all: the requests of each stand for its calls


def test_others_are_busy_together() -> None:
    calm = {"rate": 2.5}
    assert blamed(by_mass(c=calm, d=calm), "ab", "cb", "db")["a"]["b"] == pytest.approx(0.2)


def test_who_is_seldom_called_holds_up_few_workers() -> None:
    def part(rate: float) -> float:
        slow = {"mass": 0.04, "factor": 8.0, "rate": rate}
        return blamed(excess(a={"mass": 4.0, "factor": 8.0}, b=slow), "ab")["a"]["b"]

    assert part(1.0) == pytest.approx(part(10.0))
    assert part(0.1) == pytest.approx(0.01 + 0.99 * 0.1, abs=1e-3)
    assert part(0.0) == pytest.approx(0.01)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 50.0), st.floats(1.0, 50.0), st.floats(0.0, 50.0), st.floats(0.0, 100.0)),
        min_size=2,
        max_size=6,
    )
)
def test_no_one_is_explained_by_more_than_everything(ways: Sequence[tuple[float, float, float, float]]) -> None:
    names = "abcdef"[: len(ways)]
    rows = {
        name: {"mass": mass, "factor": factor, "nats": nats, "rate": rate}
        for name, (mass, factor, nats, rate) in zip(names, ways, strict=True)
    }
    found = blamed(excess(**rows), *(one + other for one in names for other in names if one != other))
    assert all(0.0 <= part <= 1.0 for parts in found.values() for part in parts.values())
    assert all(sum(parts.values()) <= 1.0 + 1e-9 for parts in found.values())


# Time-outs


def test_errors_behind_a_slow_callee_are_its_time_outs() -> None:
    found = with_timeouts({"a": {"b": 0.2, "c": 0.95}}, {"a": {"b": 1.0, "c": 1.0}, "d": {"b": 0.5}})
    assert found == {"a": {"b": pytest.approx(0.9), "c": 0.95}, "d": {"b": pytest.approx(0.45)}}


# Machines


def measured(entity: str, nats: float, onset: float | None) -> tuple[Finding, ...]:
    signal = Signal("node_cpu_busy", Family.CPU, "ratio", Direction.UP)
    return (Finding(entity, signal, 0, nats, 0.9, onset, Direction.UP, 0.5, 1.0),)


def on(tenant: str, machine: str, weight: float) -> Edge:
    return Edge(tenant, machine, EdgeKind.RUNS_ON, weight=weight)


def test_a_machine_accounts_by_the_share_that_runs_there() -> None:
    tenancies = [on("a", "m", 0.5), on("a", "n", 0.25), on("b", "m", 1.0)]
    found = blame_of_machines({"m": measured("m", SURE, 1000.0)}, tenancies, TIMING)
    assert found == {"a": {"m": pytest.approx(0.4, abs=1e-3)}, "b": {"m": pytest.approx(0.8, abs=1e-3)}}


@pytest.mark.parametrize(("onset", "is_blamed"), [(1000.0, True), (970.0, True), (969.0, False), (None, True)])
def test_a_machine_is_not_blamed_by_who_was_first(onset: float | None, is_blamed: bool) -> None:
    resources = {"m": measured("m", SURE, 1000.0), "a": measured("a", SURE, onset)}
    assert bool(blame_of_machines(resources, [on("a", "m", 1.0)], TIMING)) is is_blamed


def test_a_machine_that_is_well_or_in_doubt() -> None:
    assert blame_of_machines({}, [on("a", "m", 1.0)], TIMING) == {}
    doubtful = blame_of_machines({"m": measured("m", 4.0, 1000.0)}, [on("a", "m", 1.0)], TIMING)
    assert doubtful["a"]["m"] == pytest.approx(0.8 * (1 - np.exp(-1.0)))


# All of it together


def test_of_two_that_blame_the_same_the_larger_counts() -> None:
    found = together({"a": {"b": 0.2, "c": 0.3}}, {"a": {"b": 0.5}}, {"d": {"b": 0.1}})
    assert found == {"a": {"b": 0.5, "c": 0.3}, "d": {"b": 0.1}}


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), PARTS, PARTS, PARTS)
def test_shares_sum_up_to_one_whatever_is_blamed_for_what(
    alarms: list[str], calling: Blame, machines: Blame, load: Blame
) -> None:
    """Circles, what blames itself, and dependencies that overlap among them."""
    shares = walk(alarms, together(with_timeouts(calling, machines), load))
    assert min(shares.own.values()) >= 0.0
    assert sum(shares.own.values()) == pytest.approx(1.0, abs=0.01)


@given(st.integers(2, 6), st.floats(0.0, 1.0))
def test_a_ring_loses_nothing(length: int, part: float) -> None:
    names = "abcdef"[:length]
    ring = {name: {names[(place + 1) % length]: part} for place, name in enumerate(names)}
    shares = walk(["a"], ring)
    assert sum(shares.own.values()) == pytest.approx(1.0, abs=0.01)
    assert max(shares.own.values()) == shares.own["a"]


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), PARTS)
def test_neither_order_nor_repetition_of_alarms_counts(alarms: list[str], blame: Blame) -> None:
    there, back = walk(alarms, blame), walk([*alarms[::-1], alarms[0]], blame)
    assert there.own == pytest.approx(back.own)
