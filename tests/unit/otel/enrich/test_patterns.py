"""Which regular expressions of users are taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_otel.enrich.patterns import check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"CT-\d{8}",
        r"\bacct[:=]\s{0,4}(\w{1,64})",
        "^/health(?:z|/ready)?$",
        r"(?i)debug|trace",
        "[]a]{2}[^]]",
        r"(?:ab){1,5}",
        r"a{,3}",
        "x{}",
        r"(?P<id>\d{4})(?=;)",
        r"[a-z+*?(){}|]{1,9}",
        r"\(\[\|",
        "",
    ],
)
def test_patterns_that_are_quick_are_taken(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+$", "no upper bound"),
        (".*foo", "no upper bound"),
        ("a{2,}", "no upper bound"),
        (r"(?:a{1,9}){1,9}", "may not hold repeats"),
        (r"(?:a|aa){1,30}", "may not hold repeats"),
        (r"(?:(?:a?)b){9}", "may not hold repeats"),
        (r"\w{1,64}\w{1,64}", "ways at one place"),
        ("(a|b)(c|d)" * 6, "ways at one place"),
        (r"(a)\1", "refer back"),
        (r"(?P<a>x)(?P=a)", "are allowed"),
        ("(", "no regular expression"),
        ("a{99999999999}", "no regular expression"),
        ("[[:alpha:]]", "Possible nested set"),
        ("x" * 513, "at most 512"),
    ],
)
def test_patterns_that_may_be_slow_are_refused_with_a_reason(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        check_pattern(pattern)


@given(st.text("ab\\d()[]{}|?*+.,0123^$:=!<P>", max_size=24))
def test_any_text_is_either_taken_or_refused(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except ValueError:
        return
    re.compile(pattern)
