"""Text from outside becomes one short line that shows what it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_rca.publish.text import ELLIPSIS, clean
from tests.unit.publish.samples import HOSTILE


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_whatever_comes_in_is_one_visible_line_within_the_limit(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    line.encode()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values(text: str) -> None:
    assert len(clean(text, 40)) <= 40
    clean(text, 40).encode()


def test_short_plain_text_stays_as_it_is() -> None:
    assert clean("checkout is slow: 2 s (was 0.1 s)", 100) == "checkout is slow: 2 s (was 0.1 s)"


def test_a_cut_is_marked() -> None:
    assert clean("abcdefgh", 5) == "abcd" + ELLIPSIS


def test_text_that_is_mostly_blanks_is_marked_as_cut_although_it_is_short() -> None:
    assert clean("a" + " " * 1000 + "b", 10) == "a" + ELLIPSIS


def test_what_reorders_or_hides_characters_is_gone() -> None:
    assert clean("\u202egpj.exe\u2066\u200b\ufeff", 50) == "gpj.exe"
