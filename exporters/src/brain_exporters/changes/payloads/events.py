"""Security events of any sender: the exporter's own JSON, or another's whose fields the configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_exporters.changes.config import EVENT_FIELDS
from brain_exporters.changes.model import MAX_NAME, MAX_TITLE, SecurityEvent, Severity, clean, details, moment
from brain_exporters.changes.payloads.decode import decoded, lookup
from brain_exporters.changes.payloads.generic import MOST

SOURCE: Final = "json"  # as the lake's table calls it
_SEVERITIES: Final = {
    **{severity.value: severity for severity in Severity},
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "notice": Severity.LOW,
    "minor": Severity.LOW,
    "informational": Severity.INFO,
    "debug": Severity.INFO,
}
_ENTITY: Final = ("cluster", "namespace", "kind", "name")
_DECODER: Final = msgspec.json.Decoder(dict[str, Any] | list[dict[str, Any]])


class EventParser:
    """``Parse``, with the dotted paths of the fields; those that are not named stand where the docs say."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        own = {name: f"entity.{name}" if name in _ENTITY else name for name in EVENT_FIELDS}
        self._paths = own | dict(fields)

    def __call__(self, body: bytes, headers: Headers, now: float) -> Sequence[SecurityEvent]:
        """See ``Parse``: one event, or a list of them."""
        read = decoded(_DECODER, body, "a security event")
        found = read if isinstance(read, list) else [read]
        if len(found) > MOST:
            raise InputError(f"more than {MOST} events in one request")
        return [self._event(each, now) for each in found]

    def _event(self, data: Mapping[str, Any], now: float) -> SecurityEvent:
        rule = clean(self._text(data, "rule"), MAX_NAME)
        if not rule:
            raise InputError(f"a security event needs {self._paths['rule']}, the name of the rule that matched")
        event_id = self._text(data, "id") or hashlib.sha256(msgspec.json.encode(data)).hexdigest()[:32]
        time = lookup(data, self._paths["time"])
        return SecurityEvent(
            source=SOURCE,
            rule=rule,
            severity=_SEVERITIES.get(self._text(data, "severity").lower(), Severity.INFO),
            message=clean(self._text(data, "message") or rule, MAX_TITLE),
            entity=self._entity(data),
            event_id=clean(event_id, MAX_NAME),
            timestamp=moment(time if isinstance(time, str | int | float) else None, now) or now,
            actor=clean(self._text(data, "actor"), MAX_NAME),
            details=details(data),
        )

    def _entity(self, data: Mapping[str, Any]) -> Entity:
        kind = self._text(data, "kind") or EntityKind.WORKLOAD
        if kind not in list(EntityKind):
            raise InputError(f"{self._paths['kind']}: {kind[:50]!r} is none of {', '.join(EntityKind)}")
        cluster, namespace, name = (
            clean(self._text(data, part), MAX_NAME) for part in ("cluster", "namespace", "name")
        )
        return Entity(cluster, namespace, EntityKind(kind), name)

    def _text(self, data: Mapping[str, Any], field: str) -> str:
        value = lookup(data, self._paths[field])
        return str(value) if isinstance(value, str | int | float) else ""
