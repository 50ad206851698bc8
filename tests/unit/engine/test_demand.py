"""Who asks for more than usual, and what that explains of the trouble of whom it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.demand import Rise, blame_of_growth, blame_of_load, rises, without_own
from brain_engine.rank.timing import Timing
from brain_engine.series import Array, Edge, EdgeKind
from tests.contract.engine.scenes import ONSET, RATE, STEP, STEPS, T0, evidence, faulty, noise, panel

TIMING = Timing(trouble=1000.0, tolerance=30.0)


def asked(usual: float, now: float, onset: float = 1000.0) -> Rise:
    return Rise(onset, usual, now)


def calls(*pairs: str) -> DependencyGraph:
    return DependencyGraph(Edge(pair[0], pair[1], EdgeKind.CALLS) for pair in pairs)


def test_a_rise_is_told_with_its_onset_and_levels_however_many_series_there_are() -> None:
    rows = {"it": faulty(1, 10.0, 0.2, 30.0)} | {f"n{n}": noise(n, 10.0, 0.2) for n in range(400)}
    found = rises(evidence(panel(RATE, rows)), RobustShift(), RATE.name)
    assert set(found) == {"it"}
    assert found["it"].onset == pytest.approx(T0 + STEP * ONSET, abs=STEP)
    assert found["it"].new == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    "row",
    [
        faulty(1, 10.0, 0.01, 12.5),  # traffic's own coming and going
        faulty(1, 10.0, 0.2, 3.0),  # less
        np.where(np.arange(STEPS) < ONSET, 0.0, 30.0),  # nobody knows what is usual
        np.full(STEPS, np.nan),
    ],
)
def test_what_is_no_rise(row: Array) -> None:
    assert rises(evidence(panel(RATE, {"it": row})), RobustShift(), RATE.name) == {}
    assert rises(evidence(), RobustShift(), RATE.name) == {}


def test_the_new_part_of_the_requests_is_who_sends_them() -> None:
    loads = {"b": asked(10.0, 40.0), "a": asked(5.0, 20.0), "c": asked(5.0, 20.0)}
    assert blame_of_load(loads, calls("ab", "cb"), TIMING)["b"] == {"a": 0.375, "c": 0.375}


@pytest.mark.parametrize(
    "loads",
    [
        {"b": asked(10.0, 40.0)},  # who calls is asked as ever
        {"b": asked(10.0, 40.0), "a": asked(5.0, 20.0, 1031.0)},  # who calls was later
        {"a": asked(5.0, 20.0)},
    ],
)
def test_whose_requests_are_not_sent_by_a_caller(loads: Mapping[str, Rise]) -> None:
    assert "b" not in blame_of_load(loads, calls("ab"), TIMING)


def test_who_wants_more_room_has_a_part_in_its_lack_among_all_who_lack_it() -> None:
    scene = replace(
        evidence(), edges=(*(Edge(one, "nodes", EdgeKind.USES) for one in "abcd"), Edge("x", "y", EdgeKind.CALLS))
    )
    assert blame_of_growth({"a": asked(2.0, 8.0), "x": asked(1.0, 2.0)}, scene) == {"nodes": {"a": 0.1875}}
    assert blame_of_growth({}, scene) == {}


def test_nobody_is_excused_by_what_it_brought_about() -> None:
    blame = {"a": {"b": 0.8, "c": 0.1}, "d": {"b": 0.5}}
    left = without_own(blame, {"b": {"a": 0.75}})
    assert left == {"a": {"b": pytest.approx(0.2), "c": 0.1}, "d": {"b": 0.5}}
