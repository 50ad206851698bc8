"""What is a spike and what is not, whatever the amounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.spikes import judge

_AMOUNT = st.floats(min_value=1, max_value=1e7)
_DAYS = st.integers(min_value=22, max_value=90)


@given(_AMOUNT, _DAYS)
def test_a_constant_cost_is_no_spike(amount: float, days: int) -> None:
    spike = judge([amount] * days)
    assert spike is not None
    assert (spike.score, spike.excess) == (0, 0)


@given(st.lists(_AMOUNT, min_size=7, max_size=7), _DAYS)
def test_a_weekly_pattern_is_no_spike(week: list[float], days: int) -> None:
    spike = judge([week[day % 7] for day in range(days)])
    assert spike is not None
    assert spike.score == pytest.approx(0)


@given(_AMOUNT, _DAYS)
def test_a_cost_that_doubles_is_a_spike_of_that_size(amount: float, days: int) -> None:
    spike = judge([*[amount] * days, 2 * amount])
    assert spike is not None
    assert spike.score >= 10
    assert spike.excess == pytest.approx(amount)


@given(_AMOUNT, _DAYS)
def test_one_dear_day_in_the_past_hides_no_spike(amount: float, days: int) -> None:
    before = [amount] * days
    before[-7] *= 100
    spike = judge([*before, 2 * amount])
    assert spike is not None
    assert spike.score >= 10


@given(_AMOUNT, st.integers(min_value=1, max_value=21))
def test_without_three_such_weekdays_nothing_is_said(amount: float, days: int) -> None:
    assert judge([amount] * days) is None
