"""Spans of strangers become columns: what cannot be joined stays a root, and nothing is followed in circles."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from brain_common.clients.jaeger import JaegerProcess, JaegerReference, JaegerSpan, JaegerTag, JaegerTrace
from brain_common.entity import Entity, EntityKind
from brain_common.errors import PermanentError
from brain_engine.flow.tables import NOWHERE, SpanKind
from brain_engine.series import EdgeKind
from brain_rca.evidence.traces.edges import edges_in
from brain_rca.evidence.traces.jaeger_spans import rows_of
from brain_rca.evidence.traces.otlp import spans_of
from brain_rca.evidence.traces.rows import SpanRow, columns_of, unique_rows

A, B, C = (Entity("lab", "shop", EntityKind.SERVICE, name) for name in "abc")
ORDERS = Entity("lab", "", EntityKind.TOPIC, "orders")


def row(span: str, parent: str, entity: Entity, kind: SpanKind = SpanKind.SERVER, **more: Any) -> SpanRow:
    given = {"trace": "t", "operation": "op", "start": 1.0, "end": 2.0, "error": False}
    return SpanRow(**{**given, "span": span, "parent": parent, "entity": entity, "kind": kind, **more})


def test_circles_strangers_and_other_traces_make_roots_or_circles_of_rows_but_no_error() -> None:
    rows = unique_rows(
        [row("1", "2", A), row("2", "1", B), row("3", "3", C), row("4", "9", C), row("1", "4", A, trace="u")]
    )
    spans = columns_of(rows)
    assert spans is not None
    assert spans.parent.tolist() == [1, 0, NOWHERE, NOWHERE, NOWHERE]
    calls = {(edge.dependent, edge.dependency) for edge in edges_in(rows, spans, "test")}
    assert calls == {(A, B), (B, A)}  # a cycle is normal


def test_the_order_of_the_answers_makes_no_difference() -> None:
    rows = [row("1", "", A), row("2", "1", B), row("3", "2", C), row("3", "2", C)]
    one = columns_of(unique_rows(rows))
    for other in itertools.permutations(rows):
        again = columns_of(unique_rows(other))
        assert one is not None
        assert again is not None
        assert (one.parent.tolist(), one.entity.tolist()) == (again.parent.tolist(), again.entity.tolist())


def test_both_ends_of_a_call_under_one_id() -> None:
    """Zipkin's clients share it; what the callee calls comes from the callee."""
    rows = unique_rows([row("1", "", A, SpanKind.CLIENT), row("1", "", B), row("2", "1", C)])
    spans = columns_of(rows)
    assert spans is not None
    assert [(edge.dependent, edge.dependency) for edge in edges_in(rows, spans, "")] == [(B, C)]


def test_a_topic_is_used_and_an_end_before_the_start_is_none() -> None:
    rows = [row("1", "", A, SpanKind.PRODUCER, peer=ORDERS, end=0.0)]
    spans = columns_of(rows)
    assert spans is not None
    assert spans.end.tolist() == [1.0]
    (edge,) = edges_in(rows, spans, "jaeger")
    assert (edge.dependent, edge.dependency, edge.kind, edge.source) == (A, ORDERS, EdgeKind.USES, "jaeger")


def test_a_hundred_thousand_links_deep_is_no_recursion() -> None:
    rows = unique_rows(row(str(n), str(n - 1), A) for n in range(100_000))
    spans = columns_of(rows)
    assert spans is not None
    assert (spans.parent == NOWHERE).sum() == 1


def test_nothing_is_nothing() -> None:
    assert columns_of([]) is None
    assert edges_in([], None, "test") == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"batches": 3}', b"\xff", b"[" * 100_000])
def test_what_is_no_otlp_is_refused(body: bytes) -> None:
    with pytest.raises(PermanentError, match="trace t"):
        spans_of(body, "t", "lab")


def test_otlp_of_older_servers_and_of_unnamed_services() -> None:
    resource = [
        {"key": "k8s.deployment.name", "value": {"stringValue": "cart"}},
        {"key": "x", "value": {"intValue": "3"}},
    ]
    spans = [{"spanId": "1", "name": "n" * 500, "kind": 99, "startTimeUnixNano": 5}]
    batch = {"resource": {"attributes": resource}, "instrumentationLibrarySpans": [{"spans": spans}]}
    (found,) = spans_of(json.dumps({"batches": [batch]}).encode(), "t", "lab").rows
    assert found.entity == Entity("lab", "", EntityKind.WORKLOAD, "cart")
    assert (found.kind, len(found.operation)) == (SpanKind.UNSET, 200)


def test_jaegers_spans_of_processes_that_are_missing_and_of_several_references() -> None:
    follows, child = JaegerReference("FOLLOWS_FROM", "7"), JaegerReference("CHILD_OF", "8")
    tags = [
        JaegerTag("error", True),
        JaegerTag("span.kind", "consumer"),
        JaegerTag("messaging.destination.name", "orders"),
    ]
    span = JaegerSpan("1", "op", [follows, child], 5_000_000, 250_000, tags, "p9")
    (found,) = rows_of(JaegerTrace("t", [span], {"p1": JaegerProcess("cart")}), "lab").rows
    assert (found.parent, found.start, found.end, found.error) == ("8", 5.0, 5.25, True)
    assert (found.kind, found.peer) == (SpanKind.CONSUMER, ORDERS)
    assert found.entity.name == "unknown_service"
