"""Points in time and durations as people say them."""

from __future__ import annotations

import math

import pytest

from brain_rca.page.moments import duration, moment
from tests.unit.page.samples import ONSET


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (95, "1 min 35 s"),
        (1261, "21 min"),
        (4800, "1 h 20 min"),
        (86400 * 2 + 3700, "2 d 1 h"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == said


def test_the_date_is_named_only_when_it_is_not_todays() -> None:
    assert moment(ONSET, ONSET + 60).text == "03:12:15"
    assert moment(ONSET, ONSET + 86400).text == "2025-11-25 03:12:15"


def test_both_directions_of_time() -> None:
    assert moment(ONSET, ONSET + 12 * 60).ago.replace("\N{NO-BREAK SPACE}", " ") == "12 min ago"
    assert moment(ONSET + 5, ONSET).ago.replace("\N{NO-BREAK SPACE}", " ") == "in 5 s"
    assert moment(ONSET, ONSET).ago == "just now"


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_an_impossible_time_is_shown_as_the_nearest_possible(at: float) -> None:
    assert moment(at, ONSET).iso in {"1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}
