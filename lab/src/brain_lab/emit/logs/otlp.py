"""Log records as OTLP: files of the Collector's file exporter, and requests for a server.

https://opentelemetry.io/docs/specs/otel/logs/data-model/ and opentelemetry/proto/logs/v1/logs.proto
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from brain_lab.emit.otlp.files import BATCH, write_framed, write_json_lines
from brain_lab.emit.otlp.values import (
    SCOPE,
    AttributeTexts,
    json_attributes,
    json_text,
    key_values,
    resource_attributes,
)
from brain_lab.emit.records import LogRecord, Origin
from brain_lab.emit.text import clean

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as Wire

JSON_FILE: Final = "otlp-logs.json"
PROTO_FILE: Final = "otlp-logs.binpb"


def write_otlp_json(records: Iterable[LogRecord], folder: Path, size: int = BATCH) -> Path:
    """Write `otlp-logs.json` into the folder, one request of up to `size` records a line; returns its path."""
    return write_json_lines(folder / JSON_FILE, (_json_request(batch) for batch in _batches(records, size)))


def write_otlp_proto(records: Iterable[LogRecord], folder: Path, size: int = BATCH) -> Path:
    """Write `otlp-logs.binpb` into the folder, requests of up to `size` records behind their lengths."""
    return write_framed(folder / PROTO_FILE, requests(records, size))


def requests(records: Iterable[LogRecord], size: int = BATCH) -> Iterator[ExportLogsServiceRequest]:
    """Requests of up to `size` records, for an `OtlpClient`."""
    return (_request(batch) for batch in _batches(records, size))


def _batches(records: Iterable[LogRecord], size: int) -> Iterator[list[LogRecord]]:
    left = iter(records)
    while batch := list(islice(left, size)):
        yield batch


def _by_origin(batch: Sequence[LogRecord]) -> dict[Origin, list[LogRecord]]:
    groups: dict[Origin, list[LogRecord]] = {}
    known: dict[int, list[LogRecord]] = {}  # by identity, since hashing nine names for each record takes longer
    for record in batch:
        group = known.get(id(record.origin))
        if group is None:
            group = known[id(record.origin)] = groups.setdefault(record.origin, [])
        group.append(record)
    return groups


def _json_request(batch: Sequence[LogRecord]) -> str:
    texts = AttributeTexts()
    groups = (
        f'{{"resource":{{"attributes":{json_attributes(resource_attributes(origin))}}},"scopeLogs":[{{"scope":'
        f'{{"name":"{SCOPE}"}},"logRecords":[{",".join([_json_record(record, texts) for record in group])}]}}]}}'
        for origin, group in _by_origin(batch).items()
    )
    return f'{{"resourceLogs":[{",".join(groups)}]}}'


def _json_record(record: LogRecord, texts: AttributeTexts) -> str:
    ids = f',"traceId":"{record.trace}","spanId":"{record.span}","flags":1' if record.trace else ""
    return (
        f'{{"timeUnixNano":"{record.time}","observedTimeUnixNano":"{record.time}",'
        f'"severityNumber":{record.severity.value},"severityText":"{record.severity.name}",'
        f'"body":{{"stringValue":{json_text(record.body)}}},"attributes":{texts.of(record.attributes)}{ids}}}'
    )


def _request(batch: Sequence[LogRecord]) -> ExportLogsServiceRequest:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    made: dict[tuple[int, int], Wire] = {}
    for origin, group in _by_origin(batch).items():
        resource = request.resource_logs.add()
        resource.resource.attributes.extend(key_values(resource_attributes(origin)))
        scope = resource.scope_logs.add()
        scope.scope.name = SCOPE
        for record in group:
            kind = (id(record.attributes), record.severity)
            common = made.get(kind)
            if common is None:
                common = made[kind] = _common(record)
            _fill(scope.log_records.add(), common, record)
    return request


def _common(record: LogRecord) -> Wire:
    """What all records of this severity that share their attributes have in common."""
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as Wire
    from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

    return Wire(
        severity_number=SeverityNumber.ValueType(record.severity.value),
        severity_text=record.severity.name,
        attributes=key_values(record.attributes),
    )


def _fill(wire: Wire, common: Wire, record: LogRecord) -> None:
    wire.CopyFrom(common)
    wire.time_unix_nano = wire.observed_time_unix_nano = record.time
    wire.body.string_value = clean(record.body)
    if record.trace:
        wire.trace_id, wire.span_id, wire.flags = bytes.fromhex(record.trace), bytes.fromhex(record.span), 1
