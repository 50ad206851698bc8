"""Spans of OTLP in JSON, as Tempo and others answer it.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, and what differs in the wild: Tempo calls
``resourceSpans`` ``batches`` and encodes ids in base64, older versions say ``instrumentationLibrarySpans``. Ids are
only compared within one trace, so their encoding does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from brain_common.errors import PermanentError
from brain_engine.flow.tables import SpanKind
from brain_rca.evidence.traces.names import entity_of, peer_of
from brain_rca.evidence.traces.rows import MOST_NAME, SpanRow


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
    spans: Sequence[_Span] = ()


class _Resource(msgspec.Struct):
    attributes: Sequence[_Attribute] = ()


class _Batch(msgspec.Struct):
    resource: _Resource | None = None
    scopeSpans: Sequence[_Scope] = ()  # noqa: N815 - OTLP's name
    instrumentationLibrarySpans: Sequence[_Scope] = ()  # noqa: N815 - its older name


class _Trace(msgspec.Struct):
    resourceSpans: Sequence[_Batch] = ()  # noqa: N815 - OTLP's name
    batches: Sequence[_Batch] = ()


_DECODER = msgspec.json.Decoder(_Trace)
_ERROR = (2, "2", "STATUS_CODE_ERROR")
_KINDS: Mapping[int | str, SpanKind] = {kind.value: kind for kind in SpanKind} | {
    f"SPAN_KIND_{kind.name}": kind for kind in SpanKind
}


def spans_of(body: bytes, trace: str, cluster: str) -> list[SpanRow]:
    """The spans of one trace.

    Args:
        body: What the server answered.
        trace: Its id.
        cluster: Where its resources do not name their own.

    Raises:
        PermanentError: It is no such JSON.
    """
    try:
        decoded = _DECODER.decode(body)
        return [row for batch in (*decoded.resourceSpans, *decoded.batches) for row in _of_batch(batch, trace, cluster)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise PermanentError(f"trace {trace}: no OTLP in JSON: {error}") from error


def _of_batch(batch: _Batch, trace: str, cluster: str) -> Iterator[SpanRow]:
    resource = _texts(batch.resource.attributes if batch.resource else ())
    entity = entity_of(resource, resource.get("service.name", ""), cluster)
    for scope in (*batch.scopeSpans, *batch.instrumentationLibrarySpans):
        for span in scope.spans:
            yield SpanRow(
                trace=trace,
                span=span.spanId,
                parent=span.parentSpanId,
                entity=entity,
                operation=span.name[:MOST_NAME],
                start=int(span.startTimeUnixNano) / 1e9,
                end=int(span.endTimeUnixNano) / 1e9,
                error=span.status is not None and span.status.code in _ERROR,
                kind=_KINDS.get(span.kind, SpanKind.UNSET),
                peer=peer_of(_texts(span.attributes), entity.cluster),
            )


def _texts(attributes: Sequence[_Attribute]) -> dict[str, str]:
    return {one.key: one.value.stringValue for one in attributes if one.value and one.value.stringValue}
