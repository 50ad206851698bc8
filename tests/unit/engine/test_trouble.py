"""Trouble flows down to what accounts for it, and nothing of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.rank.trouble import walk

NAMES = st.sampled_from("abcdef")
BLAME = st.dictionaries(NAMES, st.dictionaries(NAMES, st.floats(0.0, 1.0), max_size=4), max_size=6)


def test_what_nothing_accounts_for_stays() -> None:
    shares = walk(["front"], {})
    assert shares.own == {"front": 1.0}
    assert shares.blamed == {}


def test_the_end_of_a_chain_gets_what_the_chain_hands_on() -> None:
    shares = walk(["front"], {"front": {"cart": 0.8}, "cart": {"db": 0.5}})
    assert shares.own == pytest.approx({"front": 0.2, "cart": 0.4, "db": 0.4})
    assert shares.inflow["cart"] == pytest.approx(0.8)
    assert shares.blamed["front"] == ("cart", 0.8)


def test_two_that_account_for_it_divide_it() -> None:
    shares = walk(["front"], {"front": {"cart": 0.9, "ads": 0.3}})
    assert shares.own["cart"] == pytest.approx(3 * shares.own["ads"])
    assert shares.own["front"] == pytest.approx(0.05)  # never all of it


def test_several_alarms_meet_in_their_common_cause() -> None:
    shares = walk(["a", "b"], {"a": {"db": 0.9}, "b": {"db": 0.9}})
    assert shares.own["db"] == pytest.approx(0.9)


def test_in_a_circle_something_stays_with_each() -> None:
    shares = walk(["a"], {"a": {"b": 1.0}, "b": {"a": 1.0}})
    assert 0 < shares.own["a"] < 1
    assert 0 < shares.own["b"] < 1


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), BLAME)
def test_all_trouble_stays_somewhere(alarms: list[str], blame: dict[str, dict[str, float]]) -> None:
    shares = walk(alarms, blame)
    assert all(share >= 0 for share in shares.own.values())
    assert sum(shares.own.values()) == pytest.approx(1.0, abs=0.01)
