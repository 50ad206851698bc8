"""What a webhook or an API tells, in the product's words: a change, or a security event.

Everything here comes from outside, so whatever makes one of these goes through ``clean``, ``http_url``, ``details`` and
``moment``: no control characters, no endless text, no link that is none, no time that would open a partition of the
lake years away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from brain_common.entity import Entity

MAX_TITLE: Final = 500  # characters: one sentence
MAX_NAME: Final = 253  # characters of a name or id: the longest name Kubernetes allows
MAX_URL: Final = 2000  # characters
MAX_DETAILS: Final = 16 << 10  # bytes of JSON
_MAX_DETAIL: Final = 2000  # characters of one value of it
_MAX_PAST: Final = 30 * 86400.0  # seconds: how long the lake keeps a row
_MAX_FUTURE: Final = 300.0  # seconds: clocks differ
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_URL: Final = re.compile(r"[!-~]+")  # printable ASCII without blanks: everything else is percent-encoded in a URL
_ZONE: Final = re.compile(r" ?(UTC|Z|[+-]\d\d:?\d\d)$")


class ChangeKind(StrEnum):
    """What was done."""

    SYNC = "sync"
    ROLLOUT = "rollout"
    PIPELINE = "pipeline"
    DEPLOYMENT = "deployment"
    APPLY = "apply"
    PLAN = "plan"
    RELEASE = "release"
    CONFIG = "config"
    PUSH = "push"
    MERGE = "merge"


class Result(StrEnum):
    """How far it came."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Severity(StrEnum):
    """Of a security event."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change is about, in the words of its source; ``entity`` is the best guess without a mapping."""

    project: str  # repository, application or workspace, with its path
    environment: str  # deployment environment or destination; empty where there is none
    entity: Entity
    project_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One state of one change; with ``source``, ``change_id`` names the change and ``result`` the state."""

    source: str
    kind: ChangeKind
    result: Result
    change_id: str
    title: str
    subject: Subject
    timestamp: float  # seconds since the epoch: when it ended, or began where it has not ended
    started_at: float | None = None  # seconds since the epoch
    actor: str = ""
    revision: str | None = None
    url: str | None = None
    details: str | None = None  # JSON

    @property
    def key(self) -> str:
        """The same for every telling of this state, however it comes."""
        return _hash(self.source, self.change_id, self.result)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something a rule of a security tool has matched."""

    source: str
    rule: str
    severity: Severity
    message: str
    entity: Entity
    event_id: str
    timestamp: float  # seconds since the epoch
    actor: str = ""
    details: str | None = None  # JSON

    @property
    def key(self) -> str:
        """The same for every telling of this event."""
        return _hash(self.source, self.event_id)


Item = Change | SecurityEvent


def change_tag(change: Change) -> str:
    """Short name of a change, the same for all its states."""
    return _hash(change.source, change.change_id)[:16]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def clean(text: str | None, limit: int) -> str:
    """One line of at most ``limit`` characters."""
    if not text:
        return ""
    line = _UNFIT.sub(" ", text[: 4 * limit]).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def http_url(text: str | None) -> str | None:
    """The text if it is a web address; it is shown to people, never fetched."""
    if not text or len(text) > MAX_URL or not _URL.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:  # an IPv6 address that is none
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname and not set("\"'<>") & set(text) else None


def details(values: Mapping[str, Any]) -> str | None:
    """As JSON, the empty ones left out, and as many as fit."""
    kept: dict[str, Any] = {}
    size = 2
    for name, value in values.items():
        if value in (None, "", [], {}):
            continue
        fit = value if isinstance(value, bool | int | float) else clean(_text(value), _MAX_DETAIL)
        size += len(msgspec.json.encode({clean(name, MAX_NAME): fit}))
        if size > MAX_DETAILS - len(',"truncated":true'):
            kept["truncated"] = True
            break
        kept[clean(name, MAX_NAME)] = fit
    return msgspec.json.encode(kept).decode() if kept else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def moment(value: str | float | None, now: float) -> float | None:
    """Seconds since the epoch of an ISO 8601 time, also as Rails and Go print it, or of a number of seconds.

    None when it is none, or not within the last thirty days: a wrong time is worse than the time of receipt.
    """
    seconds = _seconds(value)
    return seconds if seconds is not None and now - _MAX_PAST <= seconds <= now + _MAX_FUTURE else None


def _seconds(value: str | float | None) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    text = _ZONE.sub(lambda zone: "+00:00" if zone[1] in ("UTC", "Z") else zone[1], value.strip()[:64])
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except OverflowError:
        return None
