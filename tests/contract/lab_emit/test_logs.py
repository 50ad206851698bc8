"""Every way in which log records leave, read back by somebody else's parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as Wire

from brain_lab.emit.logs.json_lines import write_jsonl
from brain_lab.emit.logs.otlp import requests, write_otlp_json, write_otlp_proto
from brain_lab.emit.records import LogRecord, Origin, Severity
from tests.contract.lab_emit.otlp import attributes, framed_requests, json_requests
from tests.unit.lab_emit.samples import HOSTILE, START, log, origin

REPLACED = HOSTILE.replace("\udcff", "\ufffd")
NASTY = LogRecord(
    START + 123_456_789,
    Origin(HOSTILE, "shop", "pod-1", "node-1"),
    Severity.ERROR,
    HOSTILE,
    {"text": HOSTILE, "number": -3, "big": 2**53 + 1, "ratio": 0.25, "yes": True},
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef",
)


def flat(found: list[ExportLogsServiceRequest]) -> list[tuple[dict[str, object], Wire]]:
    return [
        (attributes(resource.resource.attributes), record)
        for request in found
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def test_json_lines_are_objects_with_everything_in_them(tmp_path: Path) -> None:
    records = [*log(), NASTY]
    lines = [json.loads(line) for line in write_jsonl(records, tmp_path).read_text(encoding="utf-8").split("\n")[:-1]]
    assert [line["body"] for line in lines[:-1]] == [record.body for record in records[:-1]]
    assert lines[-1] == {
        "time": "2025-11-25T02:04:02.123456789Z",
        "service": REPLACED,
        "namespace": "shop",
        "pod": "pod-1",
        "node": "node-1",
        "container": REPLACED,
        "severity": "ERROR",
        "body": REPLACED,
        "attributes": {"text": REPLACED, "number": -3, "big": 2**53 + 1, "ratio": 0.25, "yes": True},
        "trace_id": NASTY.trace,
        "span_id": NASTY.span,
    }


def test_otlp_json_and_protobuf_say_the_same(tmp_path: Path) -> None:
    records = log(100)
    as_json = json_requests(write_otlp_json(records, tmp_path, 400), ExportLogsServiceRequest)
    as_protobuf = framed_requests(write_otlp_proto(records, tmp_path, 400), ExportLogsServiceRequest)
    assert len(as_json) == 3
    assert [one == other for one, other in zip(as_json, as_protobuf, strict=True)] == [True] * 3
    assert sorted(record.body.string_value for _, record in flat(as_json)) == sorted(line.body for line in records)


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_otlp_keeps_every_field(form: str, tmp_path: Path) -> None:
    if form == "json":
        found = json_requests(write_otlp_json([NASTY], tmp_path), ExportLogsServiceRequest)
    else:
        found = framed_requests(write_otlp_proto([NASTY], tmp_path), ExportLogsServiceRequest)
    ((resource, record),) = flat(found)
    assert resource["service.name"] == REPLACED
    assert resource["k8s.pod.name"] == "pod-1"
    assert record.time_unix_nano == START + 123_456_789
    assert (record.severity_number, record.severity_text) == (17, "ERROR")
    assert record.body.string_value == REPLACED
    assert attributes(record.attributes) == {
        "text": REPLACED,
        "number": -3,
        "big": 2**53 + 1,
        "ratio": 0.25,
        "yes": True,
    }
    assert record.trace_id.hex() == NASTY.trace
    assert record.span_id.hex() == NASTY.span


def test_records_of_one_process_share_their_resource() -> None:
    records = [LogRecord(START + number, origin(number % 2), Severity.INFO, "x") for number in range(10)]
    (request,) = requests(records)
    assert len(request.resource_logs) == 2


def test_requests_are_as_large_as_asked() -> None:
    assert [len(flat([one])) for one in requests(log(1), size=4)] == [4, 4, 2]


@pytest.mark.parametrize("write", [write_jsonl, write_otlp_json, write_otlp_proto])
def test_nothing_makes_an_empty_file_and_the_same_makes_the_same(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert write([], tmp_path / "empty").read_bytes() == b""
    assert write(log(), tmp_path / "one").read_bytes() == write(log(), tmp_path / "two").read_bytes()
