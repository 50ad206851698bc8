"""Which time is judged: never empty, never endless, on the grid, whatever the clocks say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_rca.analysis.window import WindowSettings, window_of
from brain_rca.model import IncidentStatus
from tests.unit.analysis.samples import NOW, OPENED, incident


def test_it_begins_half_an_hour_before_the_first_alert_and_ends_now() -> None:
    window = window_of(incident(), WindowSettings(), NOW)
    assert window.end == pytest.approx(NOW, abs=window.step)
    assert window.start == pytest.approx(OPENED - 1800, abs=window.step)
    assert window.start - window.baseline_start == pytest.approx(3600, abs=window.step)


def test_a_closed_incident_is_judged_until_it_closed() -> None:
    closed = incident(status=IncidentStatus.RESOLVED, closed_at=OPENED + 120)
    window = window_of(closed, WindowSettings(), NOW + 86400)
    assert window.end == pytest.approx(OPENED + 120, abs=window.step)


def test_of_an_incident_that_is_open_for_long_the_beginning_is_judged() -> None:
    window = window_of(incident(opened_at=NOW - 5 * 86400), WindowSettings(), NOW)
    assert window.start == pytest.approx(NOW - 5 * 86400 - 1800, abs=window.step)
    assert window.end == pytest.approx(window.start + 7200, abs=2 * window.step)


def test_an_alert_that_is_dated_in_the_future_is_judged_by_now() -> None:
    window = window_of(incident(opened_at=NOW + 1e9), WindowSettings(), NOW)
    assert window.end == pytest.approx(NOW, abs=window.step)
    assert window.end - window.start == pytest.approx(1800, abs=2 * window.step)


@pytest.mark.parametrize(("interval", "step"), [(15, 30), (60, 60), (1, 23), (300, 300)])
def test_the_step_is_a_multiple_of_the_scrape_interval(interval: float, step: float) -> None:
    settings = WindowSettings(scrape_interval_seconds=interval)
    assert window_of(incident(opened_at=NOW), settings, NOW).step == step


@given(
    opened=st.floats(0, 4e9),
    age=st.floats(-1e6, 1e6),
    lookback=st.floats(600, 43200),
    longer=st.floats(1, 2),
    baseline=st.floats(0.5, 4),
    interval=st.floats(1, 60),
    points=st.integers(100, 2000),
)
def test_any_window_has_a_baseline_before_it_and_fits(
    opened: float, age: float, lookback: float, longer: float, baseline: float, interval: float, points: int
) -> None:
    """Lengths in proportion to the lookback: most others are refused as settings, which is tested elsewhere."""
    longest = longer * lookback
    try:
        settings = WindowSettings(
            lookback_seconds=lookback,
            longest_seconds=longest,
            baseline_seconds=baseline * lookback,
            scrape_interval_seconds=interval,
            most_points=points,
        )
    except ValueError:
        assume(False)
    window = window_of(incident(opened_at=opened), settings, opened + age)
    assert window.baseline_start < window.start < window.end <= opened + age + 1e-6
    assert (window.end - window.baseline_start) / window.step <= points + 1
    assert window.step >= interval
    assert window.end - window.start <= longest + 1e-6


@pytest.mark.parametrize(
    ("given_", "key"),
    [
        ({"longest_seconds": 600}, "longest_seconds must not be less than lookback_seconds"),
        ({"lookback_seconds": 60, "scrape_interval_seconds": 60}, "lookback_seconds must be at least 180"),
        ({"baseline_seconds": 30}, "baseline_seconds must be at least"),
        ({"lookback_seconds": 600, "baseline_seconds": 604800}, "lookback_seconds must be at least"),
        ({"most_points": 1}, "most_points"),
        ({"lookback_seconds": 0}, "lookback_seconds"),
    ],
)
def test_settings_that_would_leave_nothing_to_look_at_are_refused(given_: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        check_settings(given_, WindowSettings, "test")


def test_evidence_knows_how_often_samples_are_taken() -> None:
    assert window_of(incident(), WindowSettings(scrape_interval_seconds=60), NOW).scrape == 60.0
