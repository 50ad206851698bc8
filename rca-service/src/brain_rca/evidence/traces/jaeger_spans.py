"""Spans of a trace as Jaeger answers it: kind and failure are tags, times are microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brain_common.clients.jaeger import JaegerProcess, JaegerSpan, JaegerTag, JaegerTrace
from brain_common.entity import Entity
from brain_rca.evidence.traces.names import entity_of, peer_of
from brain_rca.evidence.traces.rows import MOST_NAME, Parsed, SpanRow, is_id, kind_of

_NOBODY = JaegerProcess()
_MOST_VALUE = 1000  # characters of a tag


def rows_of(trace: JaegerTrace, cluster: str) -> Parsed:
    """Its spans; ``cluster`` is for processes that do not name their own."""
    if not is_id(trace.traceID):
        return Parsed([], len(trace.spans) + trace.damaged)
    entities = {key: _entity(process, cluster) for key, process in trace.processes.items()}
    nobody = _entity(_NOBODY, cluster)
    told = [span for span in trace.spans if is_id(span.spanID)]
    rows = [_row(trace.traceID, span, entities.get(span.processID, nobody)) for span in told]
    return Parsed(rows, len(trace.spans) - len(told) + trace.damaged)


def _row(trace: str, span: JaegerSpan, entity: Entity) -> SpanRow:
    tags = _texts(span.tags)
    return SpanRow(
        trace=trace,
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
    named = [one for one in span.references or () if is_id(one.spanID)]
    chosen = [one.spanID for one in named if one.refType == "CHILD_OF"]
    return next(iter(chosen or [one.spanID for one in named]), "")


def _texts(tags: Iterable[JaegerTag] | None) -> Mapping[str, str]:
    """Texts, and truths such as ``error``; nobody is named by anything else."""
    return {tag.key: str(tag.value)[:_MOST_VALUE] for tag in tags or () if isinstance(tag.value, str | bool)}
