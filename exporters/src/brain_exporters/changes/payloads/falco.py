"""Falco's alerts, as its ``http_output`` and Falcosidekick's webhook send them.

Source: Falco documentation, "Output channels" and "JSON output".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers

from brain_common.entity import Entity, EntityKind
from brain_exporters.changes.model import MAX_NAME, MAX_TITLE, SecurityEvent, Severity, clean, details, moment
from brain_exporters.changes.payloads.decode import decoded

SOURCE: Final = "falco"
_SEVERITIES: Final = {
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "notice": Severity.LOW,
    "informational": Severity.INFO,
    "debug": Severity.INFO,
}


class _Alert(msgspec.Struct):
    rule: str
    priority: str
    output: str | None = None
    time: str | None = None
    uuid: str | None = None
    hostname: str | None = None
    source: str | None = None
    tags: list[str] | None = None
    output_fields: dict[str, Any] | None = None


_DECODER: Final = msgspec.json.Decoder(_Alert)


def parse(body: bytes, headers: Headers, now: float) -> Sequence[SecurityEvent]:
    """See ``Parse``."""
    alert = decoded(_DECODER, body, "a Falco alert")
    fields = alert.output_fields or {}
    return (
        SecurityEvent(
            source=SOURCE,
            rule=clean(alert.rule, MAX_NAME),
            severity=_SEVERITIES.get(alert.priority.lower(), Severity.INFO),
            message=clean(alert.output or alert.rule, MAX_TITLE),
            entity=_entity(alert, fields),
            event_id=clean(alert.uuid, MAX_NAME) or hashlib.sha256(body).hexdigest()[:32],
            timestamp=moment(alert.time, now) or now,
            actor=clean(_text(fields, "user.name", "ka.user.name", "ct.user"), MAX_NAME),
            details=details({"source": alert.source, "tags": alert.tags, "hostname": alert.hostname, **fields}),
        ),
    )


def _entity(alert: _Alert, fields: Mapping[str, Any]) -> Entity:
    """The pod, else the node."""
    namespace = clean(_text(fields, "k8s.ns.name", "ka.target.namespace"), MAX_NAME)
    pod = clean(_text(fields, "k8s.pod.name", "ka.target.pod.name"), MAX_NAME)
    if pod:
        return Entity("", namespace, EntityKind.POD, pod)
    return Entity("", "", EntityKind.NODE, clean(alert.hostname or _text(fields, "evt.hostname"), MAX_NAME))


def _text(fields: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")
