"""Spans as OTLP: files of the Collector's file exporter, and requests for a server.

opentelemetry/proto/trace/v1/trace.proto. What spans of one shape and outcome have in common is made once, so that the
loop over the spans sets ids and times only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from brain_lab.emit.otlp.files import BATCH, write_framed, write_json_lines
from brain_lab.emit.otlp.values import SCOPE, json_attributes, json_text, key_values, resource_attributes
from brain_lab.emit.records import Attributes, Int, SpanBatch, SpanStatus
from brain_lab.emit.text import clean

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

JSON_FILE: Final = "otlp-traces.json"
PROTO_FILE: Final = "otlp-traces.binpb"
_SAMPLED: Final = 0x01
"""Flags of a span: W3C's `sampled`."""

_Outcome = tuple[int, int, int]
"""Shape, code, error."""


def write_otlp_json(batch: SpanBatch, folder: Path, size: int = BATCH) -> Path:
    """Write `otlp-traces.json` into the folder, one request of up to `size` spans a line; returns its path."""
    cache: dict[_Outcome, tuple[str, str]] = {}
    return write_json_lines(folder / JSON_FILE, (_json_request(batch, chunk, cache) for chunk in _chunks(batch, size)))


def write_otlp_proto(batch: SpanBatch, folder: Path, size: int = BATCH) -> Path:
    """Write `otlp-traces.binpb` into the folder, requests of up to `size` spans behind their lengths."""
    return write_framed(folder / PROTO_FILE, requests(batch, size))


def requests(batch: SpanBatch, size: int = BATCH) -> Iterator[ExportTraceServiceRequest]:
    """Requests of up to `size` spans in the order in which they ended, for an `OtlpClient`."""
    cache: dict[_Outcome, Span] = {}
    return (_request(batch, chunk, cache) for chunk in _chunks(batch, size))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Spans of one request, ordered by origin: plain lists, which Python reads faster than arrays."""

    rows: Int
    outcomes: list[_Outcome]
    starts: list[int]
    ends: list[int]


def _chunks(batch: SpanBatch, size: int) -> Iterator[_Chunk]:
    by_end = np.argsort(batch.end, kind="stable")
    for first in range(0, len(by_end), size):
        rows = by_end[first : first + size]
        rows = rows[np.argsort(batch.origin[rows], kind="stable")]
        columns = (batch.shape[rows].tolist(), batch.code[rows].tolist(), batch.error[rows].tolist())
        yield _Chunk(rows, list(zip(*columns, strict=True)), batch.start[rows].tolist(), batch.end[rows].tolist())


def _groups(batch: SpanBatch, chunk: _Chunk) -> Iterator[tuple[int, range]]:
    """Origin and positions in the chunk, for each origin in it."""
    origins = batch.origin[chunk.rows]
    edges = np.flatnonzero(np.diff(origins, prepend=-1)).tolist()
    for first, end in zip(edges, [*edges[1:], len(origins)], strict=True):
        yield int(origins[first]), range(first, end)


def _attributes(batch: SpanBatch, outcome: _Outcome) -> Attributes:
    shape, code, error = outcome
    found = dict(batch.shapes[shape].attributes)
    if code and batch.shapes[shape].outcome:
        found[batch.shapes[shape].outcome] = code
    if error >= 0:
        found["error.type"] = batch.errors[error][0]
    return found


def _json_request(batch: SpanBatch, chunk: _Chunk, cache: dict[_Outcome, tuple[str, str]]) -> str:
    traces = _hex(batch.trace[chunk.rows].astype(">u8").tobytes(), 32)
    spans = _hex(batch.span[chunk.rows].astype(">u8").tobytes(), 16)
    parents = _hex(batch.parent[chunk.rows].astype(">u8").tobytes(), 16)
    groups = []
    for origin, places in _groups(batch, chunk):
        written = []
        for i in places:
            made = cache.get(chunk.outcomes[i])
            if made is None:
                made = cache[chunk.outcomes[i]] = _json_common(batch, chunk.outcomes[i])
            above = "" if parents[i] == _NO_PARENT else parents[i]
            written.append(
                f'{{"traceId":"{traces[i]}","spanId":"{spans[i]}","parentSpanId":"{above}",{made[0]}'
                f'"startTimeUnixNano":"{chunk.starts[i]}","endTimeUnixNano":"{chunk.ends[i]}",{made[1]}}}'
            )
        groups.append(
            f'{{"resource":{{"attributes":{json_attributes(resource_attributes(batch.origins[origin]))}}},'
            f'"scopeSpans":[{{"scope":{{"name":"{SCOPE}"}},"spans":[{",".join(written)}]}}]}}'
        )
    return f'{{"resourceSpans":[{",".join(groups)}]}}'


def _json_common(batch: SpanBatch, outcome: _Outcome) -> tuple[str, str]:
    """What stands before the times of all spans of this outcome, and what after."""
    shape = batch.shapes[outcome[0]]
    status = "{}"
    if outcome[2] >= 0:
        status = f'{{"message":{json_text(batch.errors[outcome[2]][1])},"code":{SpanStatus.ERROR.value}}}'
    return (
        f'"flags":{_SAMPLED},"name":{json_text(shape.name)},"kind":{shape.kind.value},',
        f'"attributes":{json_attributes(_attributes(batch, outcome))},"status":{status}',
    )


def _request(batch: SpanBatch, chunk: _Chunk, cache: dict[_Outcome, Span]) -> ExportTraceServiceRequest:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    traces = _pieces(batch.trace[chunk.rows].astype(">u8").tobytes(), 16)
    spans = _pieces(batch.span[chunk.rows].astype(">u8").tobytes(), 8)
    parents = _pieces(batch.parent[chunk.rows].astype(">u8").tobytes(), 8)
    for origin, places in _groups(batch, chunk):
        resource = request.resource_spans.add()
        resource.resource.attributes.extend(key_values(resource_attributes(batch.origins[origin])))
        scope = resource.scope_spans.add()
        scope.scope.name = SCOPE
        add = scope.spans.add
        for i in places:
            made = cache.get(chunk.outcomes[i])
            if made is None:
                made = cache[chunk.outcomes[i]] = _common(batch, chunk.outcomes[i])
            span = add()
            span.CopyFrom(made)
            span.trace_id, span.span_id = traces[i], spans[i]
            if any(parents[i]):
                span.parent_span_id = parents[i]
            span.start_time_unix_nano, span.end_time_unix_nano = chunk.starts[i], chunk.ends[i]
    return request


def _common(batch: SpanBatch, outcome: _Outcome) -> Span:
    """A span with everything that all spans of this outcome have in common."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

    shape = batch.shapes[outcome[0]]
    span = Span(
        name=clean(shape.name),
        kind=Span.SpanKind.ValueType(shape.kind.value),
        attributes=key_values(_attributes(batch, outcome)),
        flags=_SAMPLED,
    )
    status = Status()  # there even if it is unset, as the Collector has it
    if outcome[2] >= 0:
        status = Status(code=Status.STATUS_CODE_ERROR, message=clean(batch.errors[outcome[2]][1]))
    span.status.CopyFrom(status)
    return span


_NO_PARENT: Final = "0" * 16


def _hex(raw: bytes, width: int) -> list[str]:
    text = raw.hex()
    return [text[at : at + width] for at in range(0, len(text), width)]


def _pieces(raw: bytes, width: int) -> list[bytes]:
    return [raw[at : at + width] for at in range(0, len(raw), width)]
