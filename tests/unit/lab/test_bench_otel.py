"""The bench of the processor: numbers that are stamped into requests are found again, and losses are counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from brain_lab.bench.otel.course import balance
from brain_lab.bench.otel.generator import Request
from brain_lab.bench.otel.losses import Overload
from brain_lab.bench.otel.requests import PER_REQUEST, RESOURCES, TRACE, Kind, Template, numbers_in
from brain_lab.bench.otel.sink import Arrivals
from brain_lab.bench.usage import family, rss_bytes

FIRST = 123_456 * PER_REQUEST


def spans_of(body: bytes) -> list[Any]:
    groups = ExportTraceServiceRequest.FromString(body).resource_spans
    return [span for group in groups for scope in group.scope_spans for span in scope.spans]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_stamped_request_has_the_numbers_it_was_given(kind: Kind) -> None:
    body = Template.of(kind).stamped(FIRST)
    assert sorted(numbers_in(body).tolist()) == list(range(FIRST, FIRST + PER_REQUEST))


@pytest.mark.parametrize(
    ("kind", "message"), [("logs", ExportLogsServiceRequest), ("spans", ExportTraceServiceRequest)]
)
def test_numbers_are_found_whoever_encodes_it(kind: Kind, message: Any) -> None:
    again = message.FromString(Template.of(kind).stamped(FIRST))
    groups = again.resource_logs if kind == "logs" else again.resource_spans
    assert len(groups) == RESOURCES
    groups[0].resource.attributes.add(key="k8s.node.name").value.string_value = "node-0"
    assert len(numbers_in(again.SerializeToString())) == PER_REQUEST


def test_a_request_that_ends_in_a_number_has_it_found() -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(span_id=b"brn" + (7).to_bytes(5, "big"))
    assert numbers_in(request.SerializeToString()).tolist() == [7]


def test_traces_of_different_stamps_are_different_and_whole() -> None:
    template = Template.of("spans")
    first, second = (spans_of(template.stamped(number)) for number in (0, FIRST))
    assert not {span.trace_id for span in first} & {span.trace_id for span in second}
    known = {(span.trace_id, span.span_id) for span in second}
    children = [span for span in second if span.parent_span_id]
    assert len(second) - len(children) == PER_REQUEST / TRACE
    assert all((span.trace_id, span.parent_span_id) in known for span in children)


def test_what_was_accepted_and_has_not_come_is_lost(tmp_path: Path) -> None:
    arrivals = Arrivals.create(tmp_path, 3 * PER_REQUEST)
    arrivals.note(np.arange(PER_REQUEST + 10), 5.0)
    arrivals.note(np.arange(3), 6.0)
    sent = [Request(0, 1.0, 2.0), Request(PER_REQUEST, 1.0, 2.0), Request(2 * PER_REQUEST, 1.0, None)]
    left = balance(sent, Arrivals.at(tmp_path))
    assert (left.accepted, left.lost, left.repeated) == (2 * PER_REQUEST, PER_REQUEST - 10, 3)
    assert set(arrivals.first[:3]) == {5.0}


def test_answers_after_which_a_collector_gives_up_are_told_apart() -> None:
    answers = {"OK": 5, "UNAVAILABLE+RetryInfo": 4, "UNAVAILABLE": 2, "INTERNAL": 1}
    over = Overload(
        balance=balance([], Arrivals(np.zeros(1, np.uint8), np.zeros(1))), answers=answers, peak_rss_bytes=0
    )
    assert (over.refused, over.dropped) == (7, 3)


def test_a_family_has_the_children_of_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        assert 0 < rss_bytes(child.pid) < 2**30
        child.communicate(b"\n")
