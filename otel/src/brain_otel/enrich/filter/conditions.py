"""Conditions of a rule as functions: on a group, asked once for all its records, and on a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from brain_otel.batch import Group
from brain_otel.enrich.filter.config import MatchSettings, RuleSettings, Value

OnGroup = Callable[[Group], bool]
OnRecord = Callable[[Any], bool]

# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_SEVERITIES: Final = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
# Span.SpanKind and Status.StatusCode of opentelemetry/proto/trace/v1/trace.proto
_KINDS: Final = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_STATUSES: Final = {"unset": 0, "ok": 1, "error": 2}


def on_group(rule: RuleSettings) -> OnGroup:
    """Whether a rule is about the records of a group at all."""
    tests = {key: _text_test(test) for key, test in rule.resource.items()}

    def fits(group: Group) -> bool:
        if rule.signal is not None and rule.signal != group.signal:
            return False
        return not tests or _pairs_fit(group.message.resource.attributes, tests)

    return fits


def on_record(rule: RuleSettings) -> OnRecord | None:
    """Whether it fits a record; None where it fits all of a group."""
    conditions = tuple(_conditions(rule))
    if not conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    return lambda record: all(condition(record) for condition in conditions)


def _conditions(rule: RuleSettings) -> Iterator[OnRecord]:
    """The cheap ones first."""
    if rule.severity_at_least is not None:
        yield _at_least(_SEVERITIES[rule.severity_at_least])
    if rule.severity_below is not None:
        yield _below(_SEVERITIES[rule.severity_below])
    if rule.span_kind is not None:
        yield _kind_of(frozenset(_KINDS[kind] for kind in rule.span_kind))
    if rule.span_status is not None:
        yield _status_of(frozenset(_STATUSES[status] for status in rule.span_status))
    if (name := rule.span_name or rule.metric_name) is not None:
        yield _name_of(_text_test(name))
    if rule.attributes:
        tests = {key: _text_test(test) for key, test in rule.attributes.items()}
        yield lambda record: _pairs_fit(record.attributes, tests)


def _at_least(number: int) -> OnRecord:
    return lambda record: bool(record.severity_number >= number)


def _below(number: int) -> OnRecord:
    return lambda record: bool(0 < record.severity_number < number)


def _kind_of(kinds: frozenset[int]) -> OnRecord:
    return lambda record: record.kind in kinds


def _status_of(statuses: frozenset[int]) -> OnRecord:
    return lambda record: record.status.code in statuses


def _name_of(test: Callable[[str], bool]) -> OnRecord:
    return lambda record: test(record.name)


def _pairs_fit(pairs: Any, tests: Mapping[str, Callable[[str], bool]]) -> bool:  # noqa: ANN401 - repeated KeyValue
    """Whether each key is there with a value that passes its test; of a key given twice the last counts."""
    found = {pair.key: pair.value for pair in pairs if pair.key in tests}
    return all(key in found and test(_text(found[key])) for key, test in tests.items())


def _text_test(test: MatchSettings) -> Callable[[str], bool]:
    if test.matches is not None:
        search = re.compile(test.matches).search
        return lambda text: search(text) is not None
    wanted = frozenset(map(_written, test.any_of if test.any_of is not None else (test.equals,)))
    return lambda text: text in wanted


def _text(value: Any) -> str:  # noqa: ANN401 - AnyValue
    """A scalar as it is written; lists, maps and bytes are no text and equal nothing but it."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bool_value", "int_value", "double_value"}:
        return _written(getattr(value, kind))
    return ""


def _written(value: Value | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
