"""Autoscalers, pods and consumers react with the delays that the real ones have."""

from __future__ import annotations

import numpy as np
import pytest

from brain_lab.platforms.model import Role, Scaler, Topic
from brain_lab.simulate import TICK, Recording
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.pods import Phase
from tests.unit.lab_sim.worlds import MORNING, ONSET, from_onset, platform, play, scaled, service

AFTER = int(ONSET / TICK) - 1
"""Row of the first tick with the fault."""


def rise() -> Recording:
    """Load that uses half of the CPU request, then three times as much until shortly before the end."""

    def turn(at: float, knobs: Knobs) -> None:
        if MORNING + ONSET <= at < MORNING + ONSET + 300.0:
            knobs.load_times[knobs.station("front")] = 3.0

    front = scaled("front", cpu_seconds=0.01, start_seconds=30.0, workers=50)
    return play(platform(front, rate=50.0), Effect(turn), seconds=1500.0)


def test_the_hpa_wants_more_after_its_sync_and_gets_it_after_the_start_of_pods() -> None:
    recording = rise()
    wanted, ready = recording.station("front", "wanted"), recording.station("front", "ready")
    asked = int(np.argmax(wanted > 1.0))
    served = int(np.argmax(ready > 1.0))
    assert 0 < (asked - AFTER) * TICK <= 45.0
    assert 30.0 <= (served - asked) * TICK <= 45.0
    assert wanted.max() == 3.0


def test_the_hpa_gives_back_only_after_its_stabilisation() -> None:
    wanted = rise().station("front", "wanted")
    over = AFTER + int(300.0 / TICK)
    fewer = over + int(np.argmax(wanted[over:] < wanted[over]))
    assert 270.0 <= (fewer - over) * TICK <= 375.0
    assert wanted[-1] == 1.0


def consuming(speed: float, scaler: Scaler | None = None) -> Recording:
    what = platform(
        service("front", produces={"orders": 1.0}),
        service("reader", role=Role.CONSUMER, consumes="orders", workers=2, scaler=scaler),
        topics=(Topic("orders", "kafka", 12),),
    )

    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            knobs.consumers_times[knobs.group("reader")] = speed

    return play(what, Effect(turn))


def test_lag_is_what_came_in_and_was_not_taken() -> None:
    topics = consuming(0.2).topics
    missing = np.cumsum((topics["coming"] - topics["taken"])[:, 0].astype(np.float64)) * TICK
    assert topics["lag"][:, 0] == pytest.approx(missing - missing[0] + topics["lag"][0, 0], abs=2.0)
    assert topics["lag"][:AFTER, 0].max() < 1.0
    assert topics["lag"][-1, 0] > 5000.0
    grown = np.diff(topics["delay"][AFTER + 5 :, 0])
    assert (grown > 0.0).mean() > 0.9


def test_keda_scales_the_consumer_by_its_lag() -> None:
    alone, helped = consuming(0.2), consuming(0.2, Scaler("keda", 500.0, 1, 6))
    assert helped.station("reader", "ready")[-1] > 1.0
    assert helped.topics["lag"][-1, 0] < 0.5 * alone.topics["lag"][-1, 0]


def test_a_leak_ends_in_kills_with_growing_pauses() -> None:
    recording = play(platform(service("front", replicas=2)), from_onset("leak", "front", 2e7), seconds=1500.0)
    pods = recording.pods
    assert pods["restarts"].max() >= 4
    assert {event.reason for event in recording.events} >= {"OOMKilling", "BackOff"}
    slot = int(np.argmax(pods["restarts"][-1]))
    out = pods["phase"][:, slot] == Phase.BACKOFF
    edges = np.flatnonzero(np.diff(out.astype(np.int8), prepend=0, append=0))
    pauses = np.diff(edges)[::2] * TICK
    assert pauses[-1] > 3.0 * pauses[0]
    assert recording.station("front", "failing").max() > 0.9


def test_a_rollout_replaces_all_pods_and_nobody_notices() -> None:
    recording = play(platform(service("front", replicas=3)), from_onset("revision", "front", 7.0))
    assert recording.station("front", "ready").min() >= 3.0
    assert recording.station("front", "new")[-1] == 1.0
    assert recording.station("front", "failing").max() == 0.0
    assert len([pod for pod in recording.pod_list if pod.last == len(recording.times)]) == 3


def test_a_rollout_that_crashes_stops_and_leaves_the_old_pods() -> None:
    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            knobs.revision[knobs.station("front")] = 1.0
            knobs.new_crash[knobs.station("front")] = 1.0

    recording = play(platform(service("front", replicas=2)), Effect(turn))
    assert recording.station("front", "ready").min() >= 2.0
    assert recording.station("front", "new").max() == 0.0
    assert recording.pods["restarts"].max() >= 2.0


def test_pods_without_room_wait_for_a_new_node() -> None:
    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            knobs.replicas_add[knobs.station("front")] = 5.0

    front = scaled("front", cpu_request=30.0, cpu_limit=30.0, replicas=2)
    recording = play(platform(front), Effect(turn))
    waiting = recording.cluster["unscheduled"][:, 0]
    assert waiting.max() >= 1.0
    joined = int(np.argmax(recording.nodes["active"][:, 2] > 0.0))
    asked = int(np.argmax(waiting > 0.0))
    assert 75.0 <= (joined - asked) * TICK <= 160.0
    assert {event.reason for event in recording.events} >= {"FailedScheduling", "Launched", "NodeReady"}


def test_who_shares_a_node_with_a_hungry_neighbour_is_slow() -> None:
    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            knobs.node_cpu[:] = 100.0

    recording = play(platform(service("front", cpu_seconds=0.01)), Effect(turn))
    latency = recording.station("front", "latency")
    assert latency[-20:].mean() > 1.3 * latency[:AFTER].mean()
    assert recording.nodes["busy"][-1].max() == 1.0
