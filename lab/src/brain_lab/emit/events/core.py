"""Kubernetes events as core/v1 and events.k8s.io/v1 objects, one a line, in the order in which they were shown.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/. The API server shows one event in both
versions. The scheduler writes the new one: seen as core/v1 it has `series` and `eventTime` but no `count`. All others
write the old one: seen as events.k8s.io/v1 it has `deprecatedCount` and no `eventTime`. Readers must know both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import KubernetesEvent, Subject
from brain_lab.emit.stamps import rfc3339, rfc3339_micros
from brain_lab.emit.text import clean

CORE_FILE: Final = "kubernetes-events.jsonl"
NEW_FILE: Final = "kubernetes-events-v1.jsonl"
_LONGEST_MESSAGE: Final = 1024
"""Characters; the API server takes no longer one."""
_WRITE_NEW: Final = frozenset({"default-scheduler"})
"""Components that write events.k8s.io/v1."""


def write_core_v1(events: Iterable[KubernetesEvent], folder: Path) -> Path:
    """Write `kubernetes-events.jsonl`: `core/v1` objects with `count`, `firstTimestamp` and `lastTimestamp`."""
    return _write(events, folder / CORE_FILE, core_v1)


def write_events_v1(events: Iterable[KubernetesEvent], folder: Path) -> Path:
    """Write `kubernetes-events-v1.jsonl`: `events.k8s.io/v1` objects; repeats carry a `series`."""
    return _write(events, folder / NEW_FILE, events_v1)


def core_v1(event: KubernetesEvent) -> Mapping[str, object]:
    """The event as a `core/v1` object."""
    new = event.component in _WRITE_NEW
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": _metadata(event),
        "involvedObject": _reference(event.subject),
        "reason": event.reason,
        "message": clean(event.message)[:_LONGEST_MESSAGE],
        "source": {} if new else _source(event),
        "firstTimestamp": None if new else rfc3339(event.first),
        "lastTimestamp": None if new else rfc3339(event.last),
        **(_series(event) if new else {"count": event.count}),
        "type": _type(event),
        "eventTime": rfc3339_micros(event.first) if new else None,
        **({"action": event.action or event.reason} if new else {}),
        "reportingComponent": event.component,
        "reportingInstance": event.host or (f"{event.component}-0" if new else ""),
    }


def events_v1(event: KubernetesEvent) -> Mapping[str, object]:
    """The event as an `events.k8s.io/v1` object."""
    new = event.component in _WRITE_NEW
    deprecated = {
        "deprecatedSource": _source(event),
        "deprecatedFirstTimestamp": rfc3339(event.first),
        "deprecatedLastTimestamp": rfc3339(event.last),
        "deprecatedCount": event.count,
    }
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": _metadata(event),
        "eventTime": rfc3339_micros(event.first) if new else None,
        **(_series(event) if new else deprecated),
        "reportingController": event.component,
        "reportingInstance": event.host or (f"{event.component}-0" if new else ""),
        **({"action": event.action or event.reason} if new else {}),
        "reason": event.reason,
        "regarding": _reference(event.subject),
        "note": clean(event.message)[:_LONGEST_MESSAGE],
        "type": _type(event),
    }


def _write(
    events: Iterable[KubernetesEvent], path: Path, convert: Callable[[KubernetesEvent], Mapping[str, object]]
) -> Path:
    in_order = sorted(events, key=lambda one: (one.last, one.name, one.count))
    return write_lines(path, map(convert, in_order))


def _series(event: KubernetesEvent) -> Mapping[str, object]:
    if event.count < 2:
        return {}
    return {"series": {"count": event.count, "lastObservedTime": rfc3339_micros(event.last)}}


def _source(event: KubernetesEvent) -> Mapping[str, str]:
    return {"component": event.component, **({"host": event.host} if event.host else {})}


def _metadata(event: KubernetesEvent) -> Mapping[str, object]:
    return {
        "name": event.name,
        "namespace": event.subject.namespace or "default",  # events of what has no namespace live there
        "uid": uuid_of("event", event.name, event.subject.namespace),
        "resourceVersion": str(event.last // 10_000_000),  # grows
        "creationTimestamp": rfc3339(event.first),
    }


def _reference(subject: Subject) -> Mapping[str, str]:
    """For a node its name is the uid, as the kubelet has it."""
    uid = subject.name if subject.kind == "Node" else uuid_of(subject.kind, subject.namespace, subject.name)
    found = {
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
        "uid": uid,
        "apiVersion": subject.api_version,
        "fieldPath": subject.field_path,
    }
    return {key: value for key, value in found.items() if value}


def _type(event: KubernetesEvent) -> str:
    return "Warning" if event.warning else "Normal"
