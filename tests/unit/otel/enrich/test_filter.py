"""What rules drop and keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.batch import Batch
from brain_otel.enrich.filter.config import FilterSettings
from brain_otel.signals import Signal
from tests.unit.otel.enrich.made import Made, batch_of


def logs(*severities: int, namespace: str = "shop", path: str = "/") -> Batch:
    batch, group = batch_of(Signal.LOGS)
    group.resource.set("k8s.namespace.name", namespace)
    for severity in severities:
        record = group.message.scope_logs[0].log_records.add(severity_number=severity)
        record.attributes.add(key="url.path").value.string_value = path
        record.attributes.add(key="http.response.status_code").value.int_value = 200
    return batch


def spans(*kinds: int, name: str = "GET /", status: int = 0) -> Batch:
    batch, group = batch_of(Signal.TRACES)
    for kind in kinds:
        group.message.scope_spans[0].spans.add(kind=kind, name=name).status.code = status
    return batch


def metrics(*names: str) -> Batch:
    batch, group = batch_of(Signal.METRICS)
    for name in names:
        group.message.scope_metrics[0].metrics.add(name=name)
    return batch


def step(*rules: dict[str, Any], **settings: Any) -> Made:
    named = [{"name": f"rule-{place}", **rule} for place, rule in enumerate(rules)]
    return Made("filter", {"rules": named, **settings})


def test_the_first_rule_that_fits_decides() -> None:
    made = step(
        {"action": "keep", "signal": "logs", "severity_at_least": "error"},
        {"action": "drop", "resource": {"k8s.namespace.name": {"equals": "shop"}}},
    )
    kept = made.on(logs(5, 9, 17, 21))
    assert [record.severity_number for record in kept.groups[0].records()] == [17, 21]
    assert made.counted("brain_otel_filtered_total", rule="rule-1", signal="logs") == 2.0
    assert made.on(logs(5, namespace="bank")).count() == 1


def test_what_no_rule_fits_can_be_dropped() -> None:
    made = step({"action": "keep", "signal": "traces"}, otherwise="drop")
    assert made.on(spans(1, 2)).count() == 2
    assert made.on(logs(9, 9)).count() == 0
    assert made.counted("brain_otel_filtered_total", rule="otherwise", signal="logs") == 2.0


def test_nothing_stays_of_a_group_without_records() -> None:
    made = step({"action": "drop", "signal": "logs", "severity_below": "info"})
    assert not made.on(logs(1, 5)).groups
    assert made.on(logs(1, 9)).count() == 1


def test_a_record_without_severity_is_neither_above_nor_below() -> None:
    below = step({"action": "drop", "signal": "logs", "severity_below": "fatal"})
    above = step({"action": "drop", "signal": "logs", "severity_at_least": "trace"})
    assert below.on(logs(0)).count() == above.on(logs(0)).count() == 1


@pytest.mark.parametrize(
    ("test", "fits"),
    [
        ({"equals": 200}, True),
        ({"equals": "200"}, True),
        ({"any_of": [404, 200]}, True),
        ({"matches": "^2"}, True),
        ({"equals": 201}, False),
        ({"equals": True}, False),
    ],
)
def test_numbers_are_compared_as_they_are_written(test: dict[str, Any], fits: bool) -> None:
    made = step({"action": "drop", "signal": "logs", "attributes": {"http.response.status_code": test}})
    assert made.on(logs(9)).count() == (0 if fits else 1)


def test_all_conditions_have_to_be_met() -> None:
    rule = {
        "action": "drop",
        "signal": "logs",
        "severity_below": "warn",
        "attributes": {"url.path": {"matches": "^/health"}, "http.response.status_code": {"equals": 200}},
    }
    assert step(rule).on(logs(9, path="/healthz")).count() == 0
    assert step(rule).on(logs(17, path="/healthz")).count() == 1
    assert step(rule).on(logs(9, path="/orders")).count() == 1


def test_spans_are_told_apart_by_name_kind_and_status() -> None:
    assert step({"action": "drop", "signal": "traces", "span_kind": ["internal"]}).on(spans(1, 2, 3)).count() == 2
    assert step({"action": "drop", "signal": "traces", "span_name": {"equals": "GET /"}}).on(spans(2)).count() == 0
    failed = step({"action": "keep", "signal": "traces", "span_status": ["error"]}, otherwise="drop")
    assert failed.on(spans(2, status=2)).count() == 1
    assert failed.on(spans(2, status=1)).count() == 0


def test_metrics_are_told_apart_by_name() -> None:
    made = step({"action": "drop", "signal": "metrics", "metric_name": {"matches": "^go_"}})
    left = made.on(metrics("go_goroutines", "up", "go_threads"))
    assert [metric.name for metric in left.groups[0].records()] == ["up"]


def test_lists_and_maps_equal_nothing() -> None:
    batch, group = batch_of(Signal.LOGS)
    value = AnyValue()
    value.array_value.values.add(string_value="a")
    group.message.scope_logs[0].log_records.add(attributes=[KeyValue(key="list", value=value)])
    assert step({"action": "drop", "signal": "logs", "attributes": {"list": {"equals": "a"}}}).on(batch).count() == 1


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"severity_at_least": "warn"}, "set signal: logs"),
        ({"signal": "logs", "span_name": {"equals": "x"}}, "set signal: traces"),
        ({"signal": "metrics", "attributes": {"a": {"equals": "x"}}}, "logs or traces"),
        ({"resource": {"a": {}}}, "give one of equals"),
        ({"resource": {"a": {"equals": "x", "matches": "y"}}}, "give one of equals"),
        ({"resource": {"a": {"matches": ".*x"}}}, "no upper bound"),
        ({"name": "otherwise"}, "is taken"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        check_settings({"rules": [{"name": "a", "action": "drop", **rule}]}, FilterSettings, "here")


@given(st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=40))
def test_keeping_takes_away_exactly_what_is_not_wanted(first: list[bool], second: list[bool]) -> None:
    batch, group = batch_of(Signal.LOGS)
    group.scopes().add()
    for scope, wanted in zip(group.scopes(), (first, second), strict=True):
        for place, want in enumerate(wanted):
            scope.log_records.add(time_unix_nano=place, severity_number=9 if want else 0)
    gone = group.keep(lambda record: record.severity_number == 9)
    left = [[record.time_unix_nano for record in scope.log_records] for scope in group.scopes()]
    expected = [[place for place, want in enumerate(wanted) if want] for wanted in (first, second)]
    assert left == [places for places in expected if places]
    assert gone == len(first) + len(second) - sum(first) - sum(second)
    assert batch.count() == sum(first) + sum(second)
