"""What begins at the wrong time counts less, and how well times can be told."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.rank.timing import Timing, tolerance_of
from brain_engine.series import Direction, Evidence, Family, Panel, Signal

SIGNAL = Signal("service_latency_mean", Family.LATENCY, "seconds", Direction.UP)
AT = Timing(trouble=10_000.0, tolerance=30.0)


@pytest.mark.parametrize("onset", [None, 9_500.0, 10_000.0, 10_030.0])
def test_in_time_counts_whole(onset: float | None) -> None:
    assert AT.weight(onset, None) == 1.0


def test_the_later_the_less_and_never_nothing() -> None:
    weights = [AT.weight(10_000.0 + late, None) for late in (30, 50, 80, 90, 1_000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 1.0
    assert weights[-1] == pytest.approx(0.25)


def test_long_before_counts_half() -> None:
    assert AT.weight(9_000.0, None) == 0.5


@pytest.mark.parametrize(("until", "weight"), [(9_600.0, 0.25), (9_680.0, 1.0), (10_000.0, 1.0), (None, 1.0)])
def test_what_was_over_well_before_counts_a_quarter(until: float | None, weight: float) -> None:
    assert AT.weight(9_500.0, until) == weight


def test_without_a_known_beginning_everything_is_in_time() -> None:
    assert Timing(None, 30.0).weight(0.0, 10.0) == 1.0


def evidence(values: np.ndarray) -> Evidence:
    times = 60.0 * np.arange(values.shape[1])
    return Evidence(times, 0.0, (Panel(SIGNAL, tuple(f"e{n}" for n in range(len(values))), values),))


def test_values_that_change_at_each_moment_are_told_apart_by_two_steps() -> None:
    values = np.random.default_rng(1).random((4, 40))
    assert tolerance_of(evidence(values)) == pytest.approx(120.0)


def test_values_that_stand_still_for_five_steps_are_told_apart_by_ten() -> None:
    values = np.repeat(np.random.default_rng(1).random((4, 8)), 5, axis=1)
    assert tolerance_of(evidence(values)) == pytest.approx(600.0, rel=0.2)


def test_series_that_never_change_say_nothing_about_it() -> None:
    assert tolerance_of(evidence(np.ones((3, 40)))) == pytest.approx(120.0)
