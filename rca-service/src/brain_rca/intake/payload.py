"""Alertmanager's webhook payload, version 4, from bytes to an ``AlertGroup``.

Unknown fields are tolerated, as Alertmanager adds some now and then, and ``null`` for a map that may be absent;
wrong types and missing fields are not. Sizes are capped and control characters dropped, because labels come from
whoever writes metrics.

Source: Alertmanager documentation, "webhook_config", and its ``template.Data``.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import msgspec

from brain_common.errors import InputError
from brain_rca.model import Alert, AlertGroup
from brain_rca.text import LONGEST, clean

_MOST_ALERTS = 5000  # an alert storm beyond this says nothing more; the rest is counted
_MOST_LABELS = 128  # per alert
_MOST_TRUNCATED = 1 << 31  # a count beyond is no count; the API's field has 32 bits
_ZERO_TIME = 0.0  # Alertmanager writes 0001-01-01 for "no end"
LAST_TIME = 253402300799.0  # the end of the year 9999, in seconds since the epoch: the last that all formats can say
_STATUSES = ("firing", "resolved")


class _Alert(msgspec.Struct, rename="camel"):
    status: str
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    annotations: dict[str, str] | None = None
    generator_url: str = msgspec.field(name="generatorURL", default="")
    fingerprint: str = ""


class _Payload(msgspec.Struct, rename="camel"):
    version: str
    group_key: str
    status: str
    receiver: str
    alerts: list[_Alert]
    truncated_alerts: int = 0
    group_labels: dict[str, str] | None = None
    common_labels: dict[str, str] | None = None
    common_annotations: dict[str, str] | None = None
    external_url: str = msgspec.field(name="externalURL", default="")


_DECODER = msgspec.json.Decoder(_Payload)


def parse_group(body: bytes, source: str) -> AlertGroup:
    """The group a notification is about.

    Args:
        body: The request's body.
        source: Name of the Alertmanager cluster it came from.

    Raises:
        InputError: It is no such payload; the message says which field is wrong and how.
    """
    try:
        payload = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise InputError(f"not a webhook payload: {error}") from error
    _check(payload)
    kept = payload.alerts[:_MOST_ALERTS]
    return AlertGroup(
        source=clean(source),
        receiver=clean(payload.receiver),
        group_key=clean(payload.group_key),
        status=payload.status,
        alerts=tuple(_alert(alert) for alert in kept),
        group_labels=clean_map(payload.group_labels or {}),
        common_labels=clean_map(payload.common_labels or {}),
        common_annotations=clean_map(payload.common_annotations or {}),
        external_url=clean(payload.external_url),
        truncated_alerts=truncated(payload.truncated_alerts) + len(payload.alerts) - len(kept),
    )


def _check(payload: _Payload) -> None:
    if payload.version != "4":
        raise InputError(f"version {payload.version[:20]!r} is not supported, only '4'")
    if payload.status not in _STATUSES:
        raise InputError(f"status {payload.status[:20]!r} is neither 'firing' nor 'resolved'")
    if not payload.group_key or len(payload.group_key) > LONGEST:
        raise InputError(f"groupKey must have 1 to {LONGEST} characters")
    if not payload.alerts:
        raise InputError("alerts is empty")
    for place, alert in enumerate(payload.alerts):
        if alert.status not in _STATUSES:
            raise InputError(f"alerts[{place}].status {alert.status[:20]!r} is neither 'firing' nor 'resolved'")


def _alert(alert: _Alert) -> Alert:
    labels = clean_map(alert.labels)
    ends_at = None if alert.ends_at is None or alert.status == "firing" else epoch(alert.ends_at)
    return Alert(
        fingerprint=alert.fingerprint.lower() if is_fingerprint(alert.fingerprint) else fingerprint(labels),
        status=alert.status,
        labels=labels,
        annotations=clean_map(alert.annotations or {}),
        starts_at=epoch(alert.starts_at),
        ends_at=ends_at if ends_at and ends_at > _ZERO_TIME else None,
        generator_url=clean(alert.generator_url),
    )


def epoch(moment: datetime) -> float:
    """Seconds since the epoch; a time without zone is UTC, one before 1970 is 0."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(aware.timestamp(), _ZERO_TIME), LAST_TIME)


def truncated(count: int) -> int:
    """How many alerts the sender left out, within reason."""
    return min(max(count, 0), _MOST_TRUNCATED)


def clean_map(pairs: dict[str, str]) -> dict[str, str]:
    """Clean names and values of labels or annotations; the first 128 by name."""
    return {clean(key)[:256]: clean(pairs[key]) for key in sorted(pairs)[:_MOST_LABELS]}


def is_fingerprint(text: str) -> bool:
    """Whether ``text`` looks like Alertmanager's fingerprint: 16 hex digits."""
    return re.fullmatch(r"[0-9a-fA-F]{16}", text) is not None


def fingerprint(labels: dict[str, str]) -> str:
    """A stand-in for a missing fingerprint: stable for the same labels, not Alertmanager's own hash."""
    return hashlib.sha256(msgspec.json.encode(labels, order="sorted")).hexdigest()[:16]
