"""Times, texts and addresses from outside."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_exporters.changes.client import pause_of
from brain_exporters.changes.model import MAX_DETAILS, clean, details, http_url, moment
from tests.unit.exporters.changes.samples import AT_SECONDS, NOW


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-21T14:10:00Z",
        "2026-09-21T14:10:00.000Z",
        "2026-09-21T16:10:00+02:00",
        "2026-09-21 14:10:00 UTC",
        "2026-09-21 16:10:00 +0200",
        "2026-09-21T14:10:00.000000000Z",
        "2026-09-21T14:10:00",
    ],
)
def test_times_in_the_forms_that_senders_use(text: str) -> None:
    assert moment(text, NOW) == AT_SECONDS


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59+00:00",
        "2026-13-01",
        0,
        -1.0,
        1e300,
        NOW + 999,
    ],
)
def test_times_that_cannot_be(value: str | float | None) -> None:
    assert moment(value, NOW) is None


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_cleaned_text_is_one_line_that_can_be_written(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert len(line.encode().splitlines()) <= 1


@given(st.dictionaries(st.text(max_size=300), st.text(max_size=3000) | st.integers(-(2**63), 2**63 - 1), max_size=30))
def test_details_fit(values: dict[str, str | int]) -> None:
    text = details(values)
    assert text is None or (len(text.encode()) <= MAX_DETAILS and isinstance(json.loads(text), dict))


@given(st.text())
def test_only_web_addresses_are_kept(text: str) -> None:
    assert http_url(text) is None or text.startswith(("http://", "https://"))


def test_the_pause_until_a_limit_is_over_is_by_the_servers_clock() -> None:
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": "1790000030", "Date": "Mon, 21 Sep 2026 14:13:20 GMT"}
    assert pause_of(httpx.Headers(headers)) == 30.0
    assert pause_of(httpx.Headers(headers | {"RateLimit-Remaining": "5"})) is None
    assert pause_of(httpx.Headers(headers | {"RateLimit-Reset": "soon"})) is None
    assert pause_of(httpx.Headers(headers | {"Date": "today"})) is None
    assert pause_of(httpx.Headers(headers | {"RateLimit-Reset": "9790000030"})) == 3600.0
