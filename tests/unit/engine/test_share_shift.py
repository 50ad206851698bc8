"""Shares of what is counted: when they deviate, until when, and what counts can tell at most."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.anomaly.share_shift import most_by_chance, share_deviations

SPLIT, STEPS = 100, 140


def counts(per_step: float, failed: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """One row: ``failed`` by step, of as many trials in each."""
    hits = np.zeros((1, STEPS))
    for step, number in failed.items():
        hits[0, step] = number
    return hits, np.full((1, STEPS), per_step)


def most(per_step: float, failed: dict[int, float]) -> float:
    return float(most_by_chance(*counts(per_step, failed), SPLIT)[0])


@pytest.mark.parametrize("per_step", [20.0, 1_000.0, 50_000.0])
def test_a_single_failure_tells_next_to_nothing_however_many_requests_there_are(per_step: float) -> None:
    assert most(per_step, {120: 1.0}) < 4.0


def test_few_failures_tell_as_much_as_that_they_all_came_late() -> None:
    shares = (0.9 * SPLIT + 3) / 3  # of the baseline, a tenth of which may be incidents, and three steps, all in three
    assert most(1_000.0, {120: 2.0, 121: 2.0}) == pytest.approx(4 * np.log(shares), rel=0.02)


def test_many_failures_tell_much_even_of_few_requests() -> None:
    assert most(2.0, dict.fromkeys(range(120, 130), 2.0)) > 30.0


def test_failures_that_were_usual_before_tell_nothing() -> None:
    assert most(100.0, dict.fromkeys(range(STEPS), 1.0)) == pytest.approx(0.0, abs=0.1)


def test_a_share_that_fell_tells_nothing() -> None:
    assert most(100.0, dict.fromkeys(range(SPLIT), 5.0)) == 0.0


def test_without_a_baseline_nothing_is_known_of_counts() -> None:
    assert most_by_chance(*counts(10.0, {3: 1.0}), 0)[0] == np.inf


@pytest.mark.parametrize(
    ("failed", "until"),
    [
        (dict.fromkeys(range(110, 120), 20.0), 120),
        (dict.fromkeys(range(110, STEPS), 20.0), -1),
        (dict.fromkeys(range(130, STEPS), 20.0), -1),
    ],
)
def test_a_share_that_came_back_says_when(failed: dict[int, float], until: int) -> None:
    found = share_deviations(*counts(100.0, failed), SPLIT)
    assert found.until.tolist() == [until]
    assert found.onset.tolist() == [min(failed)]
