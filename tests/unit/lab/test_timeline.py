"""The incident ends at the given moment, the normal period stands straight before it, gaps stay gaps."""

from __future__ import annotations

import numpy as np

from brain_lab.recorded import Measure, RecordedCase, Recording, SeriesKey
from brain_lab.replay.timeline import Plan, lay_out, plan_for

KEY = SeriesKey("a", Measure.LATENCY_MEAN)
NOW = 1_000_000.75


def recording(times: list[float], values: list[float]) -> Recording:
    return Recording(np.array(times), {KEY: np.array(values)})


def case(normal: Recording, incident: Recording, step: float = 10.0) -> RecordedCase:
    return RecordedCase(normal, incident, (), None, step)


NORMAL = recording([0.0, 10.0, 20.0], [1.0, 2.0, 3.0])
INCIDENT = recording([500.0, 510.0], [7.0, 8.0])


def test_each_row_is_held_for_a_step_and_the_last_one_ends_now() -> None:
    timeline = lay_out(case(NORMAL, INCIDENT), NOW, Plan(scrape_seconds=5.0, normal_seconds=30.0))
    assert timeline.times[-1] == 1_000_000
    assert np.diff(timeline.times).tolist() == [5.0] * 10
    assert timeline.values(KEY).tolist() == [1, 1, 1, 2, 2, 3, 3, 7, 7, 8, 8]


def test_a_short_normal_period_is_mirrored() -> None:
    timeline = lay_out(case(NORMAL, INCIDENT), NOW, Plan(scrape_seconds=10.0, normal_seconds=100.0))
    assert timeline.values(KEY)[::-1].tolist() == [8, 7, 3, 2, 1, 1, 1, 2, 3, 2, 1, 1, 1]


def test_gaps_of_the_recording_hold_no_samples() -> None:
    gap = recording([500.0, 600.0], [7.0, 8.0])
    timeline = lay_out(case(NORMAL, gap), NOW, Plan(scrape_seconds=10.0, normal_seconds=0.0))
    held = np.flatnonzero(~np.isnan(timeline.values(KEY)))
    assert timeline.values(KEY)[held].tolist() == [3.0, 7.0, 8.0]
    assert held.tolist() == [0, 1, 11]


def test_a_series_of_one_period_only_is_absent_in_the_other() -> None:
    other = SeriesKey("b", Measure.LATENCY_MEAN)
    incident = Recording(INCIDENT.times, {other: np.array([5.0, 6.0])})
    timeline = lay_out(case(NORMAL, incident), NOW, Plan(scrape_seconds=10.0, normal_seconds=30.0))
    assert timeline.keys == [KEY, other]
    assert np.isnan(timeline.values(other)[:-2]).all()
    assert timeline.values(other)[-2:].tolist() == [5.0, 6.0]


def test_minutes_are_written_for_two_days_and_seconds_for_hours() -> None:
    assert plan_for(300.0).normal_seconds == 172_800.0
    assert plan_for(1.0).normal_seconds == 9000.0
    assert plan_for(300.0).scrape_seconds < 300.0
