"""From deviations to findings: the price of the search, and which way is bad."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import Finding, find
from brain_engine.series import Direction, Family, Signal
from tests.contract.engine.scenes import (
    CPU,
    ERRORS,
    LATENCY,
    MEMORY,
    ONSET,
    RATE,
    STEP,
    STEPS,
    T0,
    evidence,
    faulty,
    noise,
    panel,
)


def only(signal: Signal, to: float, beside: int = 0) -> Finding:
    rows = {"it": faulty(1, 1.0, 0.02, to)} | {f"n{n}": np.full(STEPS, 1.0) for n in range(beside)}
    [found] = find(evidence(panel(signal, rows)), RobustShift())
    return found


def test_a_finding_says_what_and_when() -> None:
    found = only(LATENCY, 5.0)
    assert (found.entity, found.signal, found.row) == ("it", LATENCY, 0)
    assert found.direction is Direction.UP
    assert found.onset == pytest.approx(T0 + STEP * ONSET, abs=STEP)
    assert found.usual == pytest.approx(1.0, rel=0.05)
    assert found.extreme == pytest.approx(5.0, rel=0.05)
    assert found.score == pytest.approx(1 - np.exp(-found.nats))


def test_each_series_looked_at_has_its_price() -> None:
    alone, among = only(LATENCY, 5.0), only(LATENCY, 5.0, beside=99)
    assert alone.nats - among.nats == pytest.approx(np.log(100))


def test_a_fault_in_a_large_estate_pays_no_more_than_one_among_what_an_alert_may_depend_on() -> None:
    assert only(LATENCY, 5.0, beside=9_999).nats == only(LATENCY, 5.0, beside=2_999).nats


def test_what_was_so_before_the_window_began_is_no_change_in_it() -> None:
    since_the_morning = np.where(np.arange(STEPS) < STEPS // 3, 1.0, 5.0)
    assert find(evidence(panel(MEMORY, {"it": since_the_morning})), RobustShift()) == ()
    over_night = np.where(np.arange(STEPS) < 60, 1.0, 1.2)
    assert find(evidence(panel(MEMORY, {"it": np.where(np.arange(STEPS) < ONSET, over_night, 5.0)})), RobustShift())


def test_one_of_four_that_is_gone_is_found_among_thousands() -> None:
    gpus = Signal("gpus_present", Family.AVAILABILITY, "GPUs", Direction.DOWN)
    rows = {"it": np.where(np.arange(STEPS) < ONSET, 4.0, 3.0)} | {f"n{n}": np.full(STEPS, 4.0) for n in range(3_000)}
    [found] = find(evidence(panel(gpus, rows)), RobustShift())
    assert (found.entity, found.direction) == ("it", Direction.DOWN)


def test_noise_among_many_is_no_finding() -> None:
    rows = {f"n{n}": noise(n, 1.0, 0.1) for n in range(300)}
    assert find(evidence(panel(LATENCY, rows)), RobustShift()) == ()


@pytest.mark.parametrize(
    ("signal", "to"), [(LATENCY, 0.1), (CPU, 0.1), (Signal("up", Family.AVAILABILITY, "1", Direction.DOWN), 9.0)]
)
def test_the_good_way_weighs_less(signal: Signal, to: float) -> None:
    both = Signal(signal.name, signal.family, signal.unit, Direction.BOTH)
    assert only(signal, to).nats == pytest.approx(0.3 * only(both, to).nats)


def test_traffic_weighs_less_either_way() -> None:
    assert only(RATE, 5.0).nats == pytest.approx(0.3 * only(LATENCY, 5.0).nats)
    assert only(RATE, 0.1).nats > 0


def test_the_bad_way_is_preferred_where_a_series_goes_both() -> None:
    values = faulty(1, 1.0, 0.02, 0.4, onset=125)
    values[150:] = 1.5
    [found] = find(evidence(panel(LATENCY, {"it": values})), RobustShift())
    assert found.direction is Direction.UP


def test_strongest_first_and_ties_by_name() -> None:
    same = faulty(1, 1.0, 0.02, 5.0)
    rows = {"b": same, "a": same.copy(), "c": faulty(1, 1.0, 0.02, 50.0)}
    assert [found.entity for found in find(evidence(panel(LATENCY, rows)), RobustShift())] == ["c", "a", "b"]


def test_the_first_error_ever_is_found() -> None:
    values = np.full(STEPS, np.nan)
    values[ONSET:] = 0.4
    [found] = find(evidence(panel(ERRORS, {"it": values})), RobustShift())
    assert found.usual == 0.0
    assert found.onset == T0 + STEP * ONSET


def test_a_short_baseline_of_errors_is_believed() -> None:
    values = np.full(STEPS, np.nan)
    values[[100, 110]] = 0.4
    values[ONSET:] = 0.4
    assert find(evidence(panel(ERRORS, {"it": values})), RobustShift()) == ()


def test_the_onset_is_where_the_way_to_the_peak_begins() -> None:
    values = noise(1, 1.0, 0.02)
    values[130:134] = 3.0  # a first, shorter bout
    values[150:] = 5.0
    [found] = find(evidence(panel(LATENCY, {"it": values})), RobustShift())
    assert found.onset == T0 + STEP * 150


def test_one_sample_that_falls_back_does_not_move_the_onset() -> None:
    values = faulty(1, 1.0, 0.02, 5.0, onset=140)
    values[145] = 1.0
    [found] = find(evidence(panel(LATENCY, {"it": values})), RobustShift())
    assert found.onset == T0 + STEP * 140


@pytest.mark.parametrize(("back", "until"), [(ONSET + 15, ONSET + 15), (STEPS - 1, None), (STEPS, None)])
def test_what_is_back_at_its_usual_level_was_over_then(back: int, until: int | None) -> None:
    values = noise(1, 1.0, 0.02)
    values[ONSET:back] = 5.0
    [found] = find(evidence(panel(LATENCY, {"it": values})), RobustShift())
    assert found.until == (None if until is None else T0 + STEP * until)


def test_what_comes_back_again_is_not_over() -> None:
    values = noise(1, 1.0, 0.02)
    values[ONSET : ONSET + 15] = values[STEPS - 2 :] = 5.0
    [found] = find(evidence(panel(LATENCY, {"it": values})), RobustShift())
    assert found.until is None


@pytest.mark.parametrize(("per_second", "failed", "sure"), [(100.0, 1, False), (100.0, 60, True), (0.2, 60, True)])
def test_a_share_tells_no_more_than_what_was_counted(per_second: float, failed: int, sure: bool) -> None:
    """The range of a rate smears one failed request over several samples, all of which are unusual."""
    answered = per_second * 10 * STEP
    shares = np.zeros(STEPS)
    shares[ONSET : ONSET + 10] = failed / answered
    errors = Signal("errors", Family.ERRORS, "ratio", Direction.UP, out_of=RATE.name)
    asked = panel(RATE, {"it": np.full(STEPS, per_second)})
    assert [found.nats > 5.0 for found in find(evidence(panel(errors, {"it": shares}), asked), RobustShift())] == [sure]
    assert [found.nats > 5.0 for found in find(evidence(panel(errors, {"it": shares})), RobustShift())] == [True]
