"""What holds for every registered detector, ours and third parties'."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from brain_engine.deviations import Detector, Deviations
from brain_engine.findings import find
from brain_engine.plugins import load_detector
from brain_engine.series import Array, Direction, Evidence, Family, Panel, Signal
from tests.contract.engine.scenes import (
    BASELINE,
    CPU,
    ERRORS,
    HARMLESS,
    LATENCY,
    ONSET,
    SIGNALS,
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
    times,
)

NAMES = sorted(point.name for point in entry_points(group="ai_devops_brain.detectors"))


@pytest.fixture(params=NAMES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return load_detector(request.param)


def scan(detector: Detector, one: Panel, scene: Evidence | None = None) -> Deviations:
    return detector.deviations(scene or evidence(one), one)


def check_shape(found: Deviations, rows: int, steps: int) -> None:
    assert found.nats.shape == found.up.shape == found.onset.shape == (rows,)
    assert found.usual.shape == found.extreme.shape == (rows,)
    assert np.isfinite(found.nats).all()
    assert (found.nats >= 0).all()
    assert ((found.onset >= -1) & (found.onset < max(steps, 1))).all()
    assert not np.isinf(found.usual).any()
    assert not np.isinf(found.extreme).any()


def test_at_least_the_built_in_one_is_registered() -> None:
    assert "robust-shift" in NAMES


def test_goes_by_the_name_it_is_registered_under(detector: Detector) -> None:
    assert detector.name in NAMES


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_series_are_no_findings(detector: Detector, kind: str, signal: Signal) -> None:
    one = panel(signal, {"it": HARMLESS[kind](), "other": noise(1, 0.3, 0.02)})
    check_shape(scan(detector, one), 2, STEPS)
    assert [finding for finding in find(evidence(one), detector) if finding.nats > 3.0] == []


def test_series_without_any_change_score_exactly_nothing(detector: Detector) -> None:
    still = {name: HARMLESS[name]() for name in ("constant", "zero", "negative-constant", "all-nan", "one-sample")}
    found = scan(detector, panel(LATENCY, still))
    assert found.nats.tolist() == [0.0] * len(still)
    assert found.onset.tolist() == [-1] * len(still)


@pytest.mark.parametrize("level", [1e-9, 0.2, 50.0, 1e9, 1e15])
def test_a_real_shift_outscores_everything_harmless(detector: Detector, level: float) -> None:
    rows = {kind: make() for kind, make in HARMLESS.items()}
    rows["culprit"] = faulty(2, level, level / 50, 3 * level)
    found = scan(detector, panel(LATENCY, rows))
    culprit = len(rows) - 1
    assert found.nats.argmax() == culprit
    assert found.up[culprit]
    assert abs(int(found.onset[culprit]) - ONSET) <= 2
    assert found.usual[culprit] == pytest.approx(level, rel=0.05)
    assert found.extreme[culprit] == pytest.approx(3 * level, rel=0.05)


@pytest.mark.parametrize(("signal", "to"), [(LATENCY, 0.9), (CPU, 3.0), (ERRORS, 0.5)])
def test_the_input_is_left_as_it_was(detector: Detector, signal: Signal, to: float) -> None:
    one = panel(signal, {"a": faulty(1, 0.2, 0.01, to), "b": HARMLESS["infinite"]()})
    before = one.values.copy()
    scan(detector, one)
    np.testing.assert_array_equal(one.values, before)


def test_the_same_input_gives_the_same_answer(detector: Detector) -> None:
    one = panel(LATENCY, {name: make() for name, make in HARMLESS.items()} | {"it": faulty(1, 0.2, 0.01, 0.9)})
    first, second = scan(detector, one), scan(detector, one)
    for left, right in zip(astuple(first), astuple(second), strict=True):
        np.testing.assert_array_equal(left, right)


def astuple(found: Deviations) -> tuple[NDArray[Any], ...]:
    return found.nats, found.up, found.onset, found.usual, found.extreme


@pytest.mark.parametrize("seed", range(3))
def test_rows_do_not_see_each_other(detector: Detector, seed: int) -> None:
    rows = {name: make() for name, make in HARMLESS.items()} | {"it": faulty(1, 0.2, 0.01, 0.9)}
    one = panel(LATENCY, rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    other = Panel(LATENCY, tuple(one.entities[row] for row in order), one.values[order])
    for left, right in zip(astuple(scan(detector, one)), astuple(scan(detector, other)), strict=True):
        np.testing.assert_array_equal(left[order], right)


def test_a_duplicated_series_scores_twice_the_same(detector: Detector) -> None:
    values = faulty(1, 0.2, 0.01, 0.9)
    found = scan(detector, panel(LATENCY, {"a": values, "b": values.copy()}))
    assert found.nats[0] == found.nats[1] > 3


@pytest.mark.parametrize(
    ("name", "window_start"),
    [
        ("empty window", T0 + STEP * STEPS + 1),
        ("window of one sample", T0 + STEP * (STEPS - 1)),
        ("no baseline", T0),
        ("window before all samples", T0 - 3600),
        ("baseline of two samples", T0 + 2 * STEP),
    ],
)
def test_windows_at_the_edge(detector: Detector, name: str, window_start: float) -> None:
    rows = {kind: make() for kind, make in HARMLESS.items()} | {"it": faulty(1, 0.2, 0.01, 0.9)}
    for signal in SIGNALS:
        one = panel(signal, rows)
        check_shape(scan(detector, one, evidence(one, window_start=window_start)), len(rows), STEPS)


def test_an_empty_window_holds_no_finding(detector: Detector) -> None:
    one = panel(LATENCY, {"it": faulty(1, 0.2, 0.01, 0.9)})
    assert find(evidence(one, window_start=T0 + STEP * STEPS), detector) == ()


def test_no_rows_and_no_samples(detector: Detector) -> None:
    check_shape(scan(detector, Panel(LATENCY, (), np.empty((0, STEPS)))), 0, STEPS)
    nothing = Panel(LATENCY, ("a",), np.empty((1, 0)))
    check_shape(detector.deviations(Evidence(np.empty(0), T0, (nothing,)), nothing), 1, 0)


def test_no_evidence_at_all(detector: Detector) -> None:
    assert find(evidence(), detector) == ()


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_nothing_is_claimed_of_a_series_without_baseline_unless_absence_means_zero(
    detector: Detector, signal: Signal
) -> None:
    values = np.full(STEPS, np.nan)
    values[ONSET:] = 0.7
    score = scan(detector, panel(signal, {"new": values})).nats[0]
    assert (score > 3) == (signal.family is Family.ERRORS)


def test_findings_follow_names_not_positions(detector: Detector) -> None:
    scene = shop()
    before = find(scene, detector)
    names = {"front": "zz", "cart": "aa", "db": "mm", "ads": "bb"}
    after = find(renamed(scene, names), detector)
    assert before
    assert sorted(
        (names[finding.entity], finding.signal.name, finding.nats, finding.onset) for finding in before
    ) == sorted((finding.entity, finding.signal.name, finding.nats, finding.onset) for finding in after)


@pytest.mark.parametrize("seed", range(3))
def test_order_of_the_evidence_changes_no_finding(detector: Detector, seed: int) -> None:
    before, after = (find(scene, detector) for scene in (shop(), shuffled(shop(), seed)))
    assert [replace(finding, row=0) for finding in before] == [replace(finding, row=0) for finding in after]


# Samples as servers send them: any double, and holes.
ANY_SAMPLES = arrays(
    np.float64,
    st.tuples(st.integers(0, 4), st.integers(0, 40)),
    elements=st.one_of(
        st.just(np.nan),
        st.sampled_from([0.0, -0.0, 1.0, 1e9, 5e-324, 1e308, -1e308, np.inf, -np.inf]),
        st.floats(width=64),
    ),
)


@pytest.mark.parametrize("name", NAMES)
@given(
    values=ANY_SAMPLES,
    split=st.integers(-1, 45),
    direction=st.sampled_from(Direction),
    family=st.sampled_from(Family),
)
@settings(max_examples=200, deadline=None)
def test_no_numbers_make_it_fail_or_warn(
    name: str, values: Array, split: int, direction: Direction, family: Family
) -> None:
    rows, steps = values.shape
    one = Panel(Signal("any", family, "1", direction), tuple(f"e{row}" for row in range(rows)), values)
    grid = times(steps)
    found = load_detector(name).deviations(Evidence(grid, T0 + STEP * split, (one,)), one)
    check_shape(found, rows, steps)


@pytest.mark.parametrize("name", NAMES)
@given(
    seed=st.integers(0, 2**32 - 1),
    factor=st.floats(1e-12, 1e12),
    to=st.floats(0.0, 20.0),
    direction=st.sampled_from(Direction),
)
@settings(max_examples=60, deadline=None)
def test_the_unit_of_a_signal_does_not_matter(
    name: str, seed: int, factor: float, to: float, direction: Direction
) -> None:
    signal = Signal("any", Family.LATENCY, "1", direction)
    values = np.abs(faulty(seed, 1.0, 0.05, to))
    detector = load_detector(name)
    found, scaled = (scan(detector, panel(signal, {"it": series})) for series in (values, values * factor))
    assert scaled.nats[0] == pytest.approx(found.nats[0], rel=1e-6, abs=1e-9)
    assert scaled.up[0] == found.up[0]
    assert scaled.extreme[0] == pytest.approx(found.extreme[0] * factor, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32 - 1), less=st.floats(1.0, 8.0), more=st.floats(1.0, 8.0))
@settings(max_examples=60, deadline=None)
def test_a_larger_shift_never_scores_less(name: str, seed: int, less: float, more: float) -> None:
    low, high = sorted((less, more))
    detector = load_detector(name)
    scores = [scan(detector, panel(LATENCY, {"it": faulty(seed, 1.0, 0.1, to)})).nats[0] for to in (low, high)]
    assert scores[0] <= scores[1] + 1e-9


def test_the_scene_is_what_it_says() -> None:
    assert 0 < BASELINE < ONSET < STEPS
