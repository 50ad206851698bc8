from __future__ import annotations

import re

import numpy as np
import pytest

from brain_lab.emit import ids, stamps
from brain_lab.emit.records import NANOS
from brain_lab.emit.text import clean, from_bytes
from tests.unit.lab_emit.samples import START


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("plain", "plain"), ("é🙂", "é🙂"), ("a\udcffb", "a\ufffdb"), ("\ud83d\ude42", "🙂"), ("", "")],
)
def test_what_is_not_utf8_is_replaced(text: str, wanted: str) -> None:
    assert clean(text) == wanted
    clean(text).encode()


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert from_bytes(b"a\xffb") == "a\ufffdb"


def test_times_are_utc_and_exact() -> None:
    at = START + 123_456_789
    assert stamps.rfc3339(at) == "2025-11-25T02:04:02Z"
    assert stamps.rfc3339_millis(at) == "2025-11-25T02:04:02.123Z"
    assert stamps.rfc3339_micros(at) == "2025-11-25T02:04:02.123456Z"
    assert stamps.rfc3339_nanos(at) == "2025-11-25T02:04:02.123456789Z"
    assert stamps.rfc3339(0) == "1970-01-01T00:00:00Z"


def test_a_leap_day_and_the_last_second_of_a_year() -> None:
    assert stamps.rfc3339(1_709_164_800 * NANOS) == "2024-02-29T00:00:00Z"
    assert stamps.rfc3339(1_767_225_599 * NANOS + 999_999_999) == "2025-12-31T23:59:59Z"


def test_uuids_are_of_version_four_and_start_with_a_letter() -> None:
    pattern = re.compile(r"[a-f][0-9a-f]{7}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    made = [*ids.uuid_columns(np.random.default_rng(1), 200), ids.uuid_of("a", 1)]
    assert all(pattern.fullmatch(one) for one in made)
    assert len(set(made)) == 201


def test_digests_depend_on_the_parts_and_where_they_end() -> None:
    assert ids.digest("ab", "c") == ids.digest("ab", "c")
    assert ids.digest("ab", "c") != ids.digest("a", "bc")
    assert len(ids.letters_of("x")) == 16
