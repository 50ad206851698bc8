"""Spans as OTLP, read back by protobuf's own parsers, and put together again as trees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from brain_lab.emit.records import SpanBatch
from brain_lab.emit.traces.calls import spans_of
from brain_lab.emit.traces.otlp import requests, write_otlp_json, write_otlp_proto
from tests.contract.lab_emit.otlp import attributes, framed_requests, json_requests
from tests.unit.lab_emit.samples import HOSTILE, trees


def batch(number: int = 200, **changed: float) -> SpanBatch:
    return spans_of(trees(number, **changed), np.random.default_rng(2))


def flat(found: list[ExportTraceServiceRequest]) -> list[tuple[dict[str, object], Span]]:
    return [
        (attributes(resource.resource.attributes), span)
        for request in found
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_otlp_json_and_protobuf_say_the_same(tmp_path: Path) -> None:
    spans = batch(100, failing=0.05)
    as_json = json_requests(write_otlp_json(spans, tmp_path, 200), ExportTraceServiceRequest)
    as_protobuf = framed_requests(write_otlp_proto(spans, tmp_path, 200), ExportTraceServiceRequest)
    assert len(as_json) > 1
    assert [one == other for one, other in zip(as_json, as_protobuf, strict=True)] == [True] * len(as_json)
    assert len(flat(as_json)) == len(spans)


def test_traces_are_whole_trees_with_one_root(tmp_path: Path) -> None:
    spans = flat(json_requests(write_otlp_json(batch(), tmp_path), ExportTraceServiceRequest))
    known = {(span.trace_id, span.span_id): (resource, span) for resource, span in spans}
    assert len(known) == len(spans)
    roots = [span for _, span in spans if not span.parent_span_id]
    assert len(roots) == len({span.trace_id for _, span in spans}) == 200
    for resource, span in spans:
        assert span.end_time_unix_nano >= span.start_time_unix_nano
        if span.parent_span_id:
            above, parent = known[span.trace_id, span.parent_span_id]
            crosses = span.kind in (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER)
            assert (parent.kind in (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER)) is crosses
            assert (above["service.name"] == resource["service.name"]) is not crosses
            assert span.start_time_unix_nano >= parent.start_time_unix_nano


def test_failed_spans_have_status_type_and_code(tmp_path: Path) -> None:
    spans = flat(json_requests(write_otlp_json(batch(50, failing=1.0), tmp_path), ExportTraceServiceRequest))
    (span,) = {span.name: span for _, span in spans}.values()
    found = attributes(span.attributes)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.status.message == "internal server error"
    assert (found["error.type"], found["http.response.status_code"]) == ("500", 500)


def test_good_spans_have_an_unset_status_and_names_by_the_conventions() -> None:
    spans = flat(list(requests(batch(50))))
    assert {span.status.code for _, span in spans} == {Status.STATUS_CODE_UNSET}
    assert {span.name for _, span in spans} == {
        "GET /",
        "POST /pay",
        "ledger.v1.Ledger/Post",
        "INSERT entries",
        "send entries",
        "process entries",
        "GET",
    }


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    spans = batch(20, failing=1.0)
    nasty = replace(
        spans,
        shapes=tuple(replace(shape, name=HOSTILE, attributes={HOSTILE: HOSTILE}) for shape in spans.shapes),
        origins=tuple(replace(one, service=HOSTILE) for one in spans.origins),
        errors=tuple((HOSTILE, HOSTILE) for _ in spans.errors),
    )
    found = json_requests(write_otlp_json(nasty, tmp_path), ExportTraceServiceRequest)
    assert found == framed_requests(write_otlp_proto(nasty, tmp_path), ExportTraceServiceRequest)
    assert {span.name for _, span in flat(found)} == {HOSTILE.replace("\udcff", "\ufffd")}


@pytest.mark.parametrize("write", [write_otlp_json, write_otlp_proto])
def test_nothing_makes_an_empty_file_and_the_same_makes_the_same(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert write(batch(0), tmp_path / "empty").read_bytes() == b""
    assert write(batch(), tmp_path / "one").read_bytes() == write(batch(), tmp_path / "two").read_bytes()
