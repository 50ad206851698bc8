"""Names and sentences of others lose what a reader cannot see, wherever they come in."""

from __future__ import annotations

import pytest

from brain_rca.text import LONGEST, clean


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x1b", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ud800", "\ue000"]
)
def test_what_hides_or_reorders_text_is_taken_out(hidden: str) -> None:
    assert clean(f"pay{hidden}ments") == "payments"


def test_what_can_be_seen_stays_with_its_lines() -> None:
    text = "Zahlung\tfällig\r\n支払い\N{NO-BREAK SPACE}€"
    assert clean(text) == text
    assert clean("x" * (LONGEST + 1)) == "x" * LONGEST
