"""Requests of OTLP for tests of the copy to the lake."""

from __future__ import annotations

from typing import Any

from brain_otel.batch import Batch
from brain_otel.signals import WIRES, Signal

NOW = 1_795_000_000.0
SECOND = 10**9


def trace(number: int) -> bytes:
    """A trace id that no ratio below one draws."""
    return number.to_bytes(9, "big") + b"\x00" * 7


def span_batch(*spans: dict[str, Any], **resource: str) -> Batch:
    """One request of spans of one resource, as the next hop has accepted it."""
    request = WIRES[Signal.TRACES].request()
    group = request.resource_spans.add()
    for key, value in (resource or {"service.name": "cart"}).items():
        group.resource.attributes.add(key=key).value.string_value = value
    scope = group.scope_spans.add()
    for given in spans:
        made = scope.spans.add(
            trace_id=given.get("trace", trace(1)),
            span_id=given.get("span", b"\x01" * 8),
            parent_span_id=given.get("parent", b""),
            name=given.get("name", "GET /"),
            kind=given.get("kind", 2),
            start_time_unix_nano=int(NOW * SECOND),
            end_time_unix_nano=int(NOW * SECOND) + int(given.get("seconds", 0.01) * SECOND),
        )
        made.status.code = given.get("status", 0)
        for key, value in given.get("attributes", {}).items():
            made.attributes.add(key=key).value.string_value = value
    batch = Batch(WIRES[Signal.TRACES], request)
    batch.encode()
    return batch


def log_batch(*records: dict[str, Any], **resource: str) -> Batch:
    """One request of log records of one resource."""
    request = WIRES[Signal.LOGS].request()
    group = request.resource_logs.add()
    for key, value in (resource or {"service.name": "cart"}).items():
        group.resource.attributes.add(key=key).value.string_value = value
    scope = group.scope_logs.add()
    for given in records:
        made = scope.log_records.add(
            severity_number=given.get("severity", 17), time_unix_nano=given.get("at", int(NOW * SECOND))
        )
        made.body.string_value = given.get("body", "it failed")
        made.trace_id = given.get("trace", b"")
        for key, value in given.get("attributes", {}).items():
            made.attributes.add(key=key).value.string_value = value
    return Batch(WIRES[Signal.LOGS], request)
