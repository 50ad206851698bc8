"""The stand-in for Prometheus against what Prometheus' own documentation and sources say; a real one is asked in
`tests/integration/lab/test_recorded_judge.py`."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from brain_cli.recorded import ProductJudge
from brain_common.clients.prometheus import Matrix
from brain_common.errors import ConfigError
from brain_lab.bench.rca import question
from brain_lab.recorded import Measure, RecordedCase, Recording, SeriesKey
from brain_lab.recorded.model import Array
from brain_lab.replay.answers import ReplayedPrometheus, increases, levels
from brain_lab.replay.series import PromSeries
from brain_lab.replay.timeline import FINE, Timeline, lay_out
from brain_rca.evidence.catalogue import load_catalogue

NOW = 1_700_000_400.0
TIMES = NOW + 15.0 * np.arange(40)


def gauge(values: Array) -> PromSeries:
    return PromSeries("service:requests:rate", False, {"service": "a"}, values)


def counter(values: Array) -> PromSeries:
    return PromSeries("container_cpu_usage_seconds_total", True, {"pod": "a"}, values)


def test_a_sample_is_seen_for_less_than_five_minutes() -> None:
    values = np.full(40, np.nan)
    values[2] = 7.0
    at = TIMES[2] + np.array([-1.0, 0.0, 299.0, 300.0])
    assert levels(gauge(values), TIMES, at).tolist()[1:3] == [7.0, 7.0]
    assert np.isnan(levels(gauge(values), TIMES, at)[[0, 3]]).all()
    assert np.isnan(levels(gauge(np.full(40, np.nan)), TIMES, at)).all()


def test_a_steady_counter_grows_by_its_rate_times_the_window() -> None:
    found = increases(counter(1000.0 + 2.0 * 15.0 * np.arange(40)), TIMES, TIMES[[10, 20]] + 7.0, 60.0)
    assert found == pytest.approx([120.0, 120.0])


def test_a_window_with_less_than_two_samples_has_no_rate() -> None:
    series = counter(np.arange(40.0))
    assert np.isnan(increases(series, TIMES, np.array([NOW - 1.0, NOW, NOW + 14.0]), 60.0)).all()
    assert np.isnan(increases(series, TIMES, TIMES[[9]], 15.0)).all()  # open on the left


def test_no_growth_is_extrapolated_to_before_zero() -> None:
    # Samples at 15, 30 and 45 s of a range of 60 s: 10 s before the first one the counter was zero.
    values = np.array([np.nan, 10.0, 25.0, 40.0] + [np.nan] * 36)
    (found,) = increases(counter(values), TIMES, np.array([TIMES[0] + 60.0 - 1e-6]), 60.0)
    assert found == pytest.approx(30.0 * (30.0 + 10.0 + 15.0) / 30.0, rel=1e-5)


def test_a_gap_at_an_end_is_filled_by_half_a_distance() -> None:
    values = np.where(np.arange(40) <= 20, 1000.0 + np.arange(40.0), np.nan)
    (found,) = increases(counter(values), TIMES, np.array([TIMES[20] + 30.0]), 60.0)
    # Samples at -15, 0: one step seen; half a step after it; and the whole 15 s in front, as that gap is a usual one.
    assert found == pytest.approx(1.0 * (15.0 + 15.0 + 7.5) / 15.0)


@pytest.fixture
def timeline() -> Timeline:
    rows = 5.0 * np.arange(240)
    front, store = SeriesKey("front", Measure.REQUEST_RATE), SeriesKey("store", Measure.REQUEST_RATE)
    series = {
        front: np.full(240, 40.0),
        store: np.full(240, 20.0),
        SeriesKey("front", Measure.LATENCY_P99): 0.2 + np.arange(240) % 5 / 100,
        SeriesKey("store", Measure.LATENCY_P99): 0.1 + np.arange(240) % 5 / 100,
        SeriesKey("store", Measure.CPU): 0.5 + np.arange(240) % 3 / 100,
        SeriesKey("store", Measure.MEMORY): np.full(240, 3e8),
    }
    slow = {
        key: values[:120] * (8.0 if key.measure in (Measure.LATENCY_P99, Measure.CPU) else 1.0)
        for key, values in series.items()
    }
    case = RecordedCase(
        Recording(rows, series), Recording(rows[:120], slow), edges=(("front", "store"),), target=None, step=5.0
    )
    return lay_out(case, NOW, FINE)


def asked(timeline: Timeline, query: str) -> Matrix:
    return asyncio.run(ReplayedPrometheus(timeline).query_range(query, NOW - 600, NOW - 300, 30.0))


def test_every_signal_of_a_replay_is_answered_and_no_other(timeline: Timeline) -> None:
    rules = load_catalogue().signals
    answered = {name for name, rule in rules.items() if asked(timeline, rule.query.replace("$window", "60s")).labels}
    assert answered == {
        "service_request_rate",
        "service_latency_p99",
        "container_cpu_usage",
        "container_memory_working_set",
    }


def test_request_rates_are_those_of_the_rule_and_of_the_graph(timeline: Timeline) -> None:
    found = asked(timeline, load_catalogue().signals["service_request_rate"].query.replace("$window", "60s"))
    by_name = {
        labels.get("service", labels.get("server", "")): row
        for labels, row in zip(found.labels, found.values, strict=True)
    }
    assert len(found.labels) == 3
    assert found.times.tolist() == [NOW - 600 + 30.0 * n for n in range(11)]
    assert by_name["front"] == pytest.approx(np.full(11, 40.0))
    assert by_name["store"] == pytest.approx(np.full(11, 20.0))


def test_the_call_graph_is_answered(timeline: Timeline) -> None:
    found = asked(timeline, load_catalogue().edges["service_graph"].query)
    assert found.labels == [{"client": "front", "server": "store"}]


def test_the_product_judges_a_case(timeline: Timeline) -> None:
    case = question(timeline.case)
    assert case is not None
    answer = ProductJudge("explain-away")(case)
    assert answer.services[0] == "store"
    assert answer.seconds > 0.0
    assert ProductJudge("explain-away")(case).services == answer.services


def test_an_unknown_ranker_is_refused(timeline: Timeline) -> None:
    case = question(timeline.case)
    assert case is not None
    with pytest.raises(ConfigError, match="n-sigma"):
        ProductJudge("crystal-ball")(case)
