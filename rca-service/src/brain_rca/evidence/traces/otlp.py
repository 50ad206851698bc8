"""Spans of OTLP in JSON, as Tempo and others answer it.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, and what differs in the wild: Tempo calls
``resourceSpans`` ``batches`` and encodes ids in base64, older versions say ``instrumentationLibrarySpans``. Ids are
only compared within one trace, so their encoding does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from brain_common.clients.lenient_json import decoded
from brain_common.entity import Entity
from brain_common.errors import PermanentError
from brain_engine.flow.tables import SpanKind
from brain_rca.evidence.traces.names import entity_of, peer_of
from brain_rca.evidence.traces.rows import MOST_NAME, Parsed, SpanRow, is_id


class _Value(msgspec.Struct):
    stringValue: str | None = None  # noqa: N815 - OTLP's name


class _Attribute(msgspec.Struct):
    key: str = ""
    value: _Value | None = None


class _Status(msgspec.Struct):
    code: int | str = 0


class _Span(msgspec.Struct):
    spanId: str = ""  # noqa: N815 - OTLP's name
    parentSpanId: str = ""  # noqa: N815 - OTLP's name
    name: str = ""
    kind: int | str = 0
    startTimeUnixNano: int | str = 0  # noqa: N815 - OTLP's name
    endTimeUnixNano: int | str = 0  # noqa: N815 - OTLP's name
    attributes: Sequence[_Attribute] = ()
    status: _Status | None = None


class _Scope(msgspec.Struct):
    spans: Sequence[msgspec.Raw] = ()  # read one by one, so that a damaged one costs no other


class _Resource(msgspec.Struct):
    attributes: Sequence[_Attribute] = ()


class _Batch(msgspec.Struct):
    resource: _Resource | None = None
    scopeSpans: Sequence[_Scope] = ()  # noqa: N815 - OTLP's name
    instrumentationLibrarySpans: Sequence[_Scope] = ()  # noqa: N815 - its older name


class _Trace(msgspec.Struct):
    resourceSpans: Sequence[_Batch] = ()  # noqa: N815 - OTLP's name
    batches: Sequence[_Batch] = ()


_MOST_DIGITS = 20
_ERROR = (2, "2", "STATUS_CODE_ERROR")
_KINDS: Mapping[int | str, SpanKind] = {kind.value: kind for kind in SpanKind} | {
    f"SPAN_KIND_{kind.name}": kind for kind in SpanKind
}


def spans_of(body: bytes, trace: str, cluster: str) -> Parsed:
    """The spans of one trace.

    Args:
        body: What the server answered.
        trace: Its id.
        cluster: Where its resources do not name their own.

    Raises:
        PermanentError: It is no such JSON.
    """
    answer = decoded(body, _Trace, f"trace {trace}", "is no OTLP in JSON")
    rows: list[SpanRow] = []
    damaged = 0
    for batch in (*answer.resourceSpans, *answer.batches):
        resource = _texts(batch.resource.attributes if batch.resource else ())
        entity = entity_of(resource, resource.get("service.name", ""), cluster)
        for scope in (*batch.scopeSpans, *batch.instrumentationLibrarySpans):
            found = [row for span in scope.spans if (row := _row(span, trace, entity)) is not None]
            damaged += len(scope.spans) - len(found)
            rows += found
    return Parsed(rows, damaged)


def _row(raw: msgspec.Raw, trace: str, entity: Entity) -> SpanRow | None:
    """A span; None where it is none, or has no id or no times."""
    try:
        span = decoded(bytes(raw), _Span, f"trace {trace}")
    except PermanentError:
        return None
    start, end = _seconds(span.startTimeUnixNano), _seconds(span.endTimeUnixNano)
    if start is None or end is None or not is_id(span.spanId):
        return None
    return SpanRow(
        trace=trace,
        span=span.spanId,
        parent=span.parentSpanId if is_id(span.parentSpanId) else "",
        entity=entity,
        operation=span.name[:MOST_NAME],
        start=start,
        end=end,
        error=span.status is not None and span.status.code in _ERROR,
        kind=_KINDS.get(span.kind, SpanKind.UNSET),
        peer=peer_of(_texts(span.attributes), entity.cluster),
    )


def _seconds(nanoseconds: int | str) -> float | None:
    """OTLP's times are numbers of 64 bits, as text or as they are."""
    text = str(nanoseconds) if isinstance(nanoseconds, str) or 0 <= nanoseconds < 1 << 64 else ""
    return int(text) / 1e9 if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _texts(attributes: Sequence[_Attribute]) -> dict[str, str]:
    return {one.key: one.value.stringValue for one in attributes if one.value and one.value.stringValue}
