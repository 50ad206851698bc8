"""Changes and security events as rows of the lake."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from brain_common.entity import Entity
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import Change, SecurityEvent
from brain_lake.schemas import CHANGES, SECURITY

_MICROSECONDS = 1_000_000


def change_rows(changes: Sequence[Change], entities: EntityMap) -> pa.Table:
    """Columns of ``CHANGES``."""
    rows = [
        {
            **_entity(entities.entity(change.source, change.subject)),
            "timestamp": _time(change.timestamp),
            "source": change.source,
            "change_kind": change.kind.value,
            "result": change.result.value,
            "change_id": change.change_id,
            "title": change.title,
            "actor": change.actor,
            "revision": change.revision,
            "url": change.url,
            "started_at": None if change.started_at is None else _time(change.started_at),
            "details": change.details,
        }
        for change in changes
    ]
    return pa.Table.from_pylist(rows, schema=CHANGES.columns)


def event_rows(events: Sequence[SecurityEvent], entities: EntityMap) -> pa.Table:
    """Columns of ``SECURITY``."""
    rows = [
        {
            **_entity(entities.placed(event.entity)),
            "timestamp": _time(event.timestamp),
            "source": event.source,
            "rule": event.rule,
            "severity": event.severity.value,
            "message": event.message,
            "actor": event.actor,
            "event_id": event.event_id,
            "details": event.details,
        }
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=SECURITY.columns)


def _entity(entity: Entity) -> dict[str, str]:
    return {
        "cluster": entity.cluster,
        "namespace": entity.namespace,
        "kind": entity.kind.value,
        "name": entity.name,
    }


def _time(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)
