"""Nodes that are emptied or taken away, and services all of whose pods are made anew at once."""

from __future__ import annotations

import numpy as np

from brain_lab.simulate import TICK, Recording
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.pods import Phase
from tests.unit.lab_sim.worlds import MORNING, ONSET, platform, play, service

AFTER = int(ONSET / TICK) - 1
"""Row of the first tick with the fault."""


def leaving(knob: str) -> Recording:
    """Both pods are on the first two nodes; the first one is emptied or taken away."""

    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            getattr(knobs, knob)[knobs.node("node-0")] = 1.0
            knobs.node_cordon[knobs.node("node-0")] = 1.0

    return play(platform(service("front", replicas=2)), Effect(turn))


def test_pods_of_an_emptied_node_start_elsewhere() -> None:
    recording = leaving("node_drain")
    assert recording.nodes["active"][-1, 0] == 1.0
    assert (recording.pods["node"][AFTER - 1] == 0.0).any()
    assert not (recording.pods["node"][AFTER:] == 0.0).any()
    assert recording.station("front", "ready")[AFTER] == 1.0
    assert recording.station("front", "ready")[-1] == 2.0
    assert "Evicted" in {event.reason for event in recording.events}


def test_a_node_that_is_taken_away_is_gone_with_its_pods() -> None:
    recording = leaving("node_terminate")
    active = recording.nodes["active"][:, 0]
    assert active[AFTER - 1] == 1.0
    assert active[AFTER:].max() == 0.0
    assert recording.station("front", "ready")[AFTER] == 1.0
    assert recording.station("front", "ready")[-1] == 2.0
    assert "DeletingNode" in {event.reason for event in recording.events}


def test_a_service_whose_pods_are_replaced_at_once_is_away_for_a_while() -> None:
    def turn(at: float, knobs: Knobs) -> None:
        if at >= MORNING + ONSET:
            knobs.replace[knobs.station("front")] = 1.0

    recording = play(platform(service("front", replicas=2, start_seconds=30.0)), Effect(turn))
    ready = recording.station("front", "ready")
    away = np.flatnonzero(ready == 0.0)
    assert away[0] == AFTER
    assert 30.0 <= len(away) * TICK <= 40.0
    assert len(recording.pod_list) == 4
    assert (recording.pods["phase"][-1] == Phase.READY).sum() == 2
