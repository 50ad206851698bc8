"""The network keeps its books, and trouble travels where calls go, in its own time."""

from __future__ import annotations

import numpy as np
import pytest

from brain_lab.platforms.model import Call, Platform
from brain_lab.simulate import TICK, Recording
from tests.unit.lab_sim.worlds import MORNING, ONSET, broken, from_onset, healthy, platform, play, service

AFTER = int(ONSET / TICK) - 1
"""Row of the first tick with the fault."""


def chain(**leaf: object) -> Platform:
    """front calls middle calls leaf; beside works on its own."""
    return platform(
        service("front", (Call("middle", timeout=1.0), Call("beside", timeout=1.0))),
        service("middle", (Call("leaf", timeout=1.0),)),
        service("leaf", **leaf),
        service("beside"),
    )


def assert_books_balance(recording: Recording) -> None:
    states = {name: values.astype(np.float64) for name, values in recording.stations.items()}
    answered = states["rate"] + states["limited"] + states["overflow"]
    waiting = np.diff(states["backlog"], axis=0)
    unexplained = (states["offered"] - answered)[1:] * TICK - waiting
    scale = np.maximum(states["offered"][1:] * TICK, 1.0)
    assert np.abs(unexplained / scale).max() < 1e-3
    assert (states["served"] <= states["rate"] * (1.0 + 1e-6)).all()


@pytest.mark.parametrize("fault", ["latency-spike", "database-lock", "oom-kill", "rate-limit-too-low"])
def test_what_arrives_is_answered_refused_or_waits(fault: str) -> None:
    assert_books_balance(broken("finance", fault))


def test_nothing_is_lost_where_nothing_is_wrong() -> None:
    recording = healthy("healthcare", 0)
    assert_books_balance(recording)
    assert recording.stations["overflow"].max() == 0.0


def test_calls_arrive_in_the_number_in_which_they_are_made() -> None:
    recording = play(chain())
    for edge, (caller, call) in enumerate(recording.calls):
        made = recording.station(caller, "rate") * call.calls
        assert recording.edges["flow"][20:, edge] == pytest.approx(made[20:], rel=0.01)


def test_littles_law_holds_in_the_steady_state() -> None:
    recording = play(chain())
    for name in ("front", "middle", "leaf"):
        inside = recording.station(name, "inside")[60:].mean()
        assert inside == pytest.approx(
            (recording.station(name, "rate") * recording.station(name, "latency"))[60:].mean(), rel=0.01
        )


def test_who_comes_to_a_growing_queue_leaves_when_the_model_says() -> None:
    """First in, first out: the request that comes n-th leaves when n have left."""
    recording = play(platform(service("front", workers=2, queue=9000, memory_limit=1e12), rate=105.0), seconds=600.0)
    came, went = (np.cumsum(recording.station("front", name)) * TICK for name in ("offered", "rate"))
    came += recording.station("front", "backlog")[0] - came[0] + went[0]
    left = np.interp(came, went, recording.times)
    told = recording.station("front", "latency")
    rows = slice(20, 80)
    assert told[80] > 2.0
    assert left[rows] - recording.times[rows] == pytest.approx(told[rows], rel=0.25)


def test_a_slow_callee_makes_its_callers_slow_and_nobody_else() -> None:
    recording = play(chain(), from_onset("own_add", "leaf", 0.2))
    for name in ("leaf", "middle", "front"):
        latency = recording.station(name, "latency")
        assert latency[AFTER + 20 :].mean() > latency[:AFTER].mean() + 0.19
    beside = recording.station("beside", "latency")
    assert beside[AFTER + 20 :].mean() == pytest.approx(beside[:AFTER].mean(), rel=0.05)


def test_a_callee_in_front_of_which_all_slots_wait_saturates_its_caller() -> None:
    """20 slots and 50 requests/s: at .45 s each the caller is full, although it works as fast as ever itself."""
    recording = play(chain(), from_onset("own_add", "leaf", 0.42), seconds=1200.0)
    assert recording.station("front", "backlog").max() > 50.0
    assert recording.station("front", "overflow")[-20:].mean() > 1.0
    assert recording.station("leaf", "cpu")[-20:].mean() <= recording.station("leaf", "cpu")[:AFTER].mean() * 1.02


def test_time_outs_become_errors_at_the_caller_and_not_at_the_callee() -> None:
    recording = play(chain(workers=2000), from_onset("own_add", "leaf", 3.0))
    assert recording.station("middle", "failing")[-20:].mean() > 0.8
    assert recording.station("leaf", "failing")[-20:].mean() < 0.01


def retrying(retries: int, breaker: float = 0.0) -> Recording:
    what = platform(
        service("front", (Call("leaf", timeout=0.2, retries=retries, breaker=breaker),), workers=200),
        service("leaf", workers=4, queue=100),
    )
    return play(what, from_onset("slots_times", "leaf", 0.2))


def test_retries_make_an_overload_worse() -> None:
    calm, storm = retrying(0), retrying(2)
    usual = storm.station("leaf", "offered")[:AFTER].mean()
    assert calm.station("leaf", "offered")[-20:].mean() == pytest.approx(usual, rel=0.05)
    assert storm.station("leaf", "offered")[-20:].mean() > 2.0 * usual
    assert storm.station("leaf", "overflow")[-20:].mean() > calm.station("leaf", "overflow")[-20:].mean()


def test_a_circuit_breaker_takes_the_load_away() -> None:
    storm, broken_off = retrying(2), retrying(2, breaker=0.5)
    assert broken_off.station("leaf", "offered")[-40:].mean() < 0.5 * storm.station("leaf", "offered")[-40:].mean()


def test_a_rate_limit_refuses_the_rest_and_the_caller_fails() -> None:
    recording = play(chain(), from_onset("rate_limit", "leaf", 25.0))
    late = slice(AFTER + 20, None)
    assert recording.station("leaf", "rate")[late].mean() == pytest.approx(25.0, rel=0.01)
    assert recording.station("middle", "failing")[late].mean() == pytest.approx(0.5, abs=0.05)
    assert recording.station("leaf", "cpu")[late].mean() < recording.station("leaf", "cpu")[:AFTER].mean()


def test_a_delay_of_packets_shows_at_the_caller_and_not_at_the_server() -> None:
    recording = play(chain(), from_onset("net_delay", "leaf", 0.15))
    leaf, middle = recording.station("leaf", "latency"), recording.station("middle", "latency")
    assert leaf[AFTER + 20 :].mean() == pytest.approx(leaf[:AFTER].mean(), rel=0.05)
    assert middle[AFTER + 20 :].mean() > middle[:AFTER].mean() + 0.14


def test_symptoms_come_later_the_further_they_are_from_the_cause() -> None:
    recording = play(chain(), from_onset("own_add", "leaf", 0.42, MORNING), seconds=1200.0)
    first = [int(np.argmax(recording.station(name, "latency") > 0.3)) for name in ("leaf", "middle", "front")]
    assert AFTER - 1 <= first[0] <= first[1] <= first[2]
