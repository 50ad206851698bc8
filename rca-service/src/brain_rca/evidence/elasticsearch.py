"""Evidence from Elasticsearch or OpenSearch: log lines of all entities together, in spans of time.

Read are documents as Fluent Bit, Beats and the OpenTelemetry Collector write them. Of a span the earliest so many
documents are taken, so one search each will do, and neither a scroll nor a point in time is kept open on the cluster.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from pydantic import Field

from brain_common.clients.elasticsearch import Hit
from brain_common.clients.fetch import FetchSettings
from brain_common.entity import Entity, EntityKind
from brain_engine.logs.levels import named
from brain_engine.logs.templates import TemplateMiner
from brain_rca.evidence.log_counts import LogRecord, Span, counts_of, span, spans_of
from brain_rca.evidence.log_owner import Owners
from brain_rca.evidence.log_reading import GRACE_SECONDS, within
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence

_TIME: Final = "@timestamp"
# An index without lines may not know the field, and would refuse to sort by it. Numbers, milliseconds and nanoseconds
# are compared as milliseconds; otherwise all of the one kind would come before all of the other.
_EARLIEST: Final = {"order": "asc", "unmapped_type": "date", "numeric_type": "date"}
_PODS: Final = (
    "kubernetes.pod_name",
    "kubernetes.pod.name",
    "k8s.pod.name",
    "resource.attributes.k8s.pod.name",
    "resource.k8s.pod.name",
    "Resource.k8s.pod.name",
)
_NAMES: Final = (
    "service.name",
    "resource.attributes.service.name",
    "resource.service.name",
    "Resource.service.name",
    "kubernetes.labels.app",
    "kubernetes.labels.app.kubernetes.io/name",
    "kubernetes.labels.app_kubernetes_io/name",
    "kubernetes.container_name",
    "kubernetes.container.name",
    "kubernetes.deployment.name",
    "resource.attributes.k8s.deployment.name",
)
_TEXTS: Final = ("message", "log", "body.text", "body", "Body", "event.original")
_STRUCTURED: Final = ("body.structured.", "Body.")  # of a body that has fields of its own
_LEVELS: Final = ("log.level", "severity_text", "SeverityText", "level", "severity", "severity.text")
_NUMBERS: Final = ("severity_number", "SeverityNumber", "severity.number")
_NAMESPACES: Final = (
    "kubernetes.namespace_name",
    "kubernetes.namespace",
    "k8s.namespace.name",
    "resource.attributes.k8s.namespace.name",
    "resource.k8s.namespace.name",
    "Resource.k8s.namespace.name",
    "service.namespace",
)
_WHOSE: Final = (
    "cluster",
    "k8s.cluster.name",
    "orchestrator.cluster.name",
    "resource",
    "Resource",
    "kubernetes.labels",
)
_SOURCE: Final = sorted({*_PODS, *_NAMES, *_NAMESPACES, *_TEXTS, *_LEVELS, *_NUMBERS, *_WHOSE})
# Entities in one search: each is looked for at the beginning of the names of pods, in twelve fields, and a cluster
# takes up to 1024 clauses.
_MOST_NAMES: Final = 76
_MOST_BATCHES: Final = 8
_DEEPEST: Final = 6  # objects in objects of a document that are looked into


class ElasticsearchSettings(FetchSettings):
    """An Elasticsearch or OpenSearch cluster."""

    index: str = Field(
        "logs-*,logstash-*,fluent-bit*,filebeat-*,ss4o_logs-*",
        pattern=r"^[^/?#\s\\\"<>|]+$",
        description="Indices, data streams or patterns with log lines, commas between; the fewer, the quicker.",
    )
    source_seconds: float = Field(30.0, gt=0, le=300, description="For all searches of a judgement together.")
    most_lines: int = Field(
        5000,
        ge=100,
        le=10_000,
        description="Documents of one answer; a cluster refuses more than `index.max_result_window`, by default 10000.",
    )


class Searches(Protocol):
    """What is needed of a cluster; see ``brain_common.clients.elasticsearch.ElasticsearchClient``."""

    async def search(self, index: str, body: Mapping[str, Any]) -> list[Hit]: ...

    async def aclose(self) -> None: ...


class ElasticsearchEvidence:
    """Implements ``PartSource``."""

    name = "elasticsearch"

    def __init__(self, client: Searches, settings: ElasticsearchSettings, miner: TemplateMiner) -> None:
        self._client = client
        self._settings = settings
        self._miner = miner
        self.deadline_seconds = settings.source_seconds + GRACE_SECONDS

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``; without a focus there is nothing to read: all lines of a system are too many."""
        names = _names(focus) if focus is not None else []
        if focus is None or not names:
            return RawEvidence()
        batches = [names[place : place + _MOST_NAMES] for place in range(0, len(names), _MOST_NAMES)]
        owners = Owners(focus)
        questions = [
            self._span(owners, whose, entities, start, end)
            for whose, entities in (_batch(focus, names) for names in batches[:_MOST_BATCHES])
            for start, end in spans_of(window)
        ]
        spans, missing = await within(self._settings.source_seconds, questions)
        counts, lacking = await asyncio.to_thread(counts_of, window, spans, self._miner)
        missing += [f"elasticsearch: {text}" for text in lacking]
        if len(batches) > _MOST_BATCHES:
            left_out = len(names) - _MOST_NAMES * _MOST_BATCHES
            missing.append(f"elasticsearch: {left_out} of the entities are more than are asked for at once")
        return RawEvidence(counts=counts, missing=missing)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _span(
        self,
        owners: Owners,
        whose: Sequence[Mapping[str, Any]],
        entities: frozenset[Entity],
        start: float,
        end: float,
    ) -> Span:
        limit = self._settings.most_lines
        hits = await self._client.search(self._settings.index, _question(whose, start, end, limit))
        records = []
        for hit in hits:
            record = _record(hit, owners)
            if record is not None and record.entity in entities and start <= record.at < end:
                records.append(record)
        return span(start, end, entities, records, _last(hits, start) if len(hits) >= limit else None)


def _names(focus: Focus) -> list[tuple[EntityKind, str]]:
    """Of whom lines are looked for; not of nodes, as all pods of a node name it."""
    return sorted({(one.kind, one.name) for one in focus.entities if one.kind is not EntityKind.NODE})


def _batch(focus: Focus, names: Sequence[tuple[EntityKind, str]]) -> tuple[list[dict[str, Any]], frozenset[Entity]]:
    """What holds of documents of the entities of these names, and the entities."""
    wanted = set(names)
    entities = frozenset(one for one in focus.entities if (one.kind, one.name) in wanted)
    return [_one_of(_named(names)), *_within({one.namespace for one in entities})], entities


def _within(namespaces: set[str]) -> Iterator[dict[str, Any]]:
    """What documents of the namespaces have in common; nothing where an entity is of any.

    Without it, others of the same name would take the place of the lines that are looked for. Whoever collects without
    namespaces still is heard.
    """
    if "" not in namespaces:
        told = [{"terms": {field: sorted(namespaces)}} for field in _both(_NAMESPACES)]
        untold = {"bool": {"must_not": [{"exists": {"field": field}} for field in _NAMESPACES]}}
        yield _one_of([*told, untold])


def _one_of(clauses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def _named(names: Sequence[tuple[EntityKind, str]]) -> list[dict[str, Any]]:
    """One of these holds of a document of the entities; text fields of dynamic mappings have a ``keyword`` inside."""
    pods = [name for kind, name in names if kind is EntityKind.POD]
    others = sorted({name for kind, name in names if kind is not EntityKind.POD})
    clauses: list[dict[str, Any]] = []
    for fields, values in ((_PODS, pods), (_NAMES, others)):
        clauses += [{"terms": {field: values}} for field in _both(fields) if values]
    clauses += [{"prefix": {field: f"{name}-"}} for name in others for field in _both(_PODS)]
    return clauses


def _both(fields: Sequence[str]) -> Iterator[str]:
    for field in fields:
        yield field
        yield f"{field}.keyword"


def _question(whose: Sequence[Mapping[str, Any]], start: float, end: float, limit: int) -> dict[str, Any]:
    span_of_time = {"gte": round(start * 1000), "lt": round(end * 1000), "format": "epoch_millis"}
    return {
        "size": limit,
        "track_total_hits": False,
        "sort": [{_TIME: _EARLIEST}],
        "query": {
            "bool": {
                "filter": [
                    {"range": {_TIME: span_of_time}},
                    *whose,
                ]
            }
        },
        "_source": _SOURCE,
    }


def _record(hit: Hit, owners: Owners) -> LogRecord | None:
    """The document as a line; None where it has no time or text, or is nobody's that is looked at."""
    fields = dict(_flat(hit.source))
    owner = owners.of(fields)
    text = _text(fields)
    if (at := _at(hit)) is None or owner is None or text is None:
        return None
    return LogRecord(at, owner.entity, _severity(fields), text)


def _last(hits: Sequence[Hit], start: float) -> float:
    """When the last document was written that has a time; ``start`` where none has."""
    return next((at for hit in reversed(hits) if (at := _at(hit)) is not None), start)


def _at(hit: Hit) -> float | None:
    """Seconds since the epoch, whatever the field is mapped as."""
    try:
        return float(hit.sort[0]) / 1000.0
    except (IndexError, TypeError, ValueError, OverflowError):
        return None


def _text(fields: Mapping[str, str]) -> str | None:
    """The line; where a body has fields of its own, as the line of JSON that it was before it was parsed."""
    if (text := next((fields[name] for name in _TEXTS if name in fields), None)) is not None:
        return text
    own = {
        name.removeprefix(prefix): value
        for name, value in fields.items()
        for prefix in _STRUCTURED
        if name.startswith(prefix)
    }
    return json.dumps(own, ensure_ascii=False) if own else None


def _flat(source: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Fields by their full names, whether objects were written nested or with dots."""
    for name, value in source.items():
        if isinstance(value, dict):
            if depth < _DEEPEST:
                yield from _flat(value, f"{prefix}{name}.", depth + 1)
        elif isinstance(value, str | int):
            yield f"{prefix}{name}", str(value)


def _severity(fields: Mapping[str, str]) -> int:
    for name in _NUMBERS:
        if fields.get(name, "").isdecimal() and 1 <= int(fields[name][:3]) <= 24:
            return int(fields[name][:3])
    found = next((known for name in _LEVELS if (known := named(fields.get(name, ""))) is not None), None)
    return found.number if found is not None else 0
