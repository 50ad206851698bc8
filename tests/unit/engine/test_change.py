"""What was changed shortly before the trouble."""

from __future__ import annotations

import pytest

from brain_engine.rank.change import change_before
from brain_engine.rank.timing import Timing
from brain_engine.series import Event, EventKind

TIMING = Timing(trouble=10_000.0, tolerance=30.0)


def change(at: float) -> Event:
    return Event(at, "lab/shop/service/cart", "rollout", "cart 1.3", "alex", EventKind.CHANGE)


def nats(*times: float) -> float:
    found = change_before([change(at) for at in times], TIMING, 100.0)
    return found.nats if found else 0.0


def test_the_shorter_before_the_more() -> None:
    assert nats(10_000.0) == pytest.approx(6.0)
    assert nats(10_000.0) > nats(9_700.0) > nats(9_000.0) > 0


def test_it_says_what_the_nats_were_made_of() -> None:
    found = change_before([change(9_700.0)], TIMING, 100.0)
    assert found is not None
    assert found.how == "6 nats × 0.61 for how shortly before the trouble, at most what else speaks against it"
    assert found.nats == pytest.approx(6.0 * 0.61, rel=0.01)


def test_the_latest_counts() -> None:
    assert nats(8_500.0, 9_900.0) == nats(9_900.0)


@pytest.mark.parametrize("at", [8_199.0, 10_031.0])
def test_long_before_or_afterwards_is_no_reason(at: float) -> None:
    assert nats(at) == 0.0


def test_a_little_after_may_be_an_onset_that_is_not_known_better() -> None:
    assert nats(10_020.0) == pytest.approx(6.0)


def test_without_a_beginning_nothing_was_before() -> None:
    assert change_before([change(0.0)], Timing(None, 30.0), 100.0) is None


def test_a_change_at_most_doubles_what_speaks_against_an_entity_without_it() -> None:
    found = change_before([change(10_000.0)], TIMING, 0.8)
    assert found is not None
    assert found.nats == 0.8
