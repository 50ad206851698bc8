"""What the step writes into log records."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

from tests.unit.otel.enrich.made import Made, log, only


def seen(body: str | AnyValue, **fields: Any) -> Any:
    return only(Made("logs").on(log(body, **fields)))


def kinds(record: Any) -> list[str]:
    return [pair.value.string_value for pair in record.attributes if pair.key == "exception.type"]


def test_severity_is_filled_in_where_it_is_absent() -> None:
    record = seen("2026-11-25T15:15:45Z WARN 1 --- x")
    assert (record.severity_number, record.severity_text) == (13, "WARN")


def test_what_a_record_says_itself_stays() -> None:
    record = seen("ERROR it broke", severity_number=9, severity_text="Info")
    assert (record.severity_number, record.severity_text) == (9, "Info")


def test_the_text_of_a_severity_gives_its_number() -> None:
    record = seen("DEBUG whatever", severity_text="Error")
    assert (record.severity_number, record.severity_text) == (17, "Error")


def test_a_line_that_says_nothing_has_none() -> None:
    record = seen("Failed password for root")
    assert (record.severity_number, record.severity_text, len(record.attributes)) == (0, "", 0)


def test_errors_have_a_class() -> None:
    assert kinds(seen("ERROR dial tcp: connect: connection refused")) == ["ECONNREFUSED"]
    assert kinds(seen("x: connection refused", severity_number=17)) == ["ECONNREFUSED"]
    assert kinds(seen("INFO connection refused, trying again")) == []


def test_a_stack_trace_is_an_error_whatever_the_severity() -> None:
    trace = "INFO it broke\njava.lang.IllegalStateException: no\n\tat a.B.c(D.java:1)"
    assert kinds(seen(trace)) == ["java.lang.IllegalStateException"]


def test_a_class_that_is_there_stays() -> None:
    attributes = [KeyValue(key="exception.type", value=AnyValue(string_value="mine"))]
    assert kinds(seen("ERROR ECONNREFUSED", attributes=attributes)) == ["mine"]


def test_the_stack_trace_of_an_attribute_is_read() -> None:
    attributes = [KeyValue(key="exception.stacktrace", value=AnyValue(string_value="ValueError: no"))]
    assert kinds(seen("ERROR it broke", attributes=attributes)) == ["ValueError"]


def test_a_body_that_is_a_map_says_it_by_its_keys() -> None:
    pairs = [
        KeyValue(key="Level", value=AnyValue(string_value="error")),
        KeyValue(key="msg", value=AnyValue(string_value="TimeoutError: no answer")),
    ]
    record = seen(AnyValue(kvlist_value=KeyValueList(values=pairs)))
    assert (record.severity_number, record.severity_text, kinds(record)) == (17, "error", ["TimeoutError"])
