"""Spans of a trace as Jaeger answers it: kind and failure are tags, times are microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brain_common.clients.jaeger import JaegerProcess, JaegerSpan, JaegerTag, JaegerTrace
from brain_common.entity import Entity
from brain_rca.evidence.traces.names import entity_of, peer_of
from brain_rca.evidence.traces.rows import MOST_NAME, SpanRow, kind_of

_NOBODY = JaegerProcess()


def rows_of(trace: JaegerTrace, cluster: str) -> Iterator[SpanRow]:
    """Its spans; ``cluster`` is for processes that do not name their own."""
    entities = {key: _entity(process, cluster) for key, process in trace.processes.items()}
    nobody = _entity(_NOBODY, cluster)
    for span in trace.spans:
        tags = _texts(span.tags)
        entity = entities.get(span.processID, nobody)
        yield SpanRow(
            trace=trace.traceID,
            span=span.spanID,
            parent=_parent(span),
            entity=entity,
            operation=span.operationName[:MOST_NAME],
            start=span.startTime / 1e6,
            end=(span.startTime + span.duration) / 1e6,
            error=tags.get("error", "").lower() == "true" or tags.get("otel.status_code") == "ERROR",
            kind=kind_of(tags.get("span.kind")),
            peer=peer_of(tags, entity.cluster),
        )


def longest(trace: JaegerTrace, service: str) -> float:
    """Seconds of the longest span of a service."""
    mine = {key for key, process in trace.processes.items() if process.serviceName == service}
    return max((span.duration for span in trace.spans if span.processID in mine), default=0) / 1e6


def _entity(process: JaegerProcess, cluster: str) -> Entity:
    return entity_of(_texts(process.tags), process.serviceName, cluster)


def _parent(span: JaegerSpan) -> str:
    """Where it comes from; of several, its parent rather than what it merely follows."""
    chosen = [one.spanID for one in span.references if one.refType == "CHILD_OF"]
    return next(iter(chosen or [one.spanID for one in span.references]), "")


def _texts(tags: Sequence[JaegerTag]) -> dict[str, str]:
    return {tag.key: str(tag.value) for tag in tags if tag.value is not None}
