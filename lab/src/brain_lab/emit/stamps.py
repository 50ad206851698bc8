"""Times as text, in the spellings of the formats that are written; all of them UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from brain_lab.emit.records import NANOS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CACHED = 16384  # seconds; lines of many processes share the seconds of some hours


@lru_cache(_CACHED)
def second_text(second: int, layout: str) -> str:
    """A whole second since the epoch as strftime's `layout` says; of any year, C locale."""
    return when(second * NANOS).strftime(layout)


def when(nanos: int) -> datetime:
    """The moment, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=nanos // 1000)


def rfc3339(nanos: int) -> str:
    """Such as `2026-11-25T02:04:02Z`: whole seconds, as Kubernetes' `Time` and AWS write them."""
    return second_text(nanos // NANOS, "%Y-%m-%dT%H:%M:%SZ")


def rfc3339_millis(nanos: int) -> str:
    """Such as `2026-11-25T02:04:02.123Z`."""
    second, rest = divmod(nanos, NANOS)
    return f"{second_text(second, '%Y-%m-%dT%H:%M:%S')}.{rest // 1_000_000:03d}Z"


def rfc3339_micros(nanos: int) -> str:
    """Such as `2026-11-25T02:04:02.123456Z`, as Kubernetes' `MicroTime`."""
    second, rest = divmod(nanos, NANOS)
    return f"{second_text(second, '%Y-%m-%dT%H:%M:%S')}.{rest // 1000:06d}Z"


def rfc3339_nanos(nanos: int) -> str:
    """Such as `2026-11-25T02:04:02.123456789Z`."""
    second, rest = divmod(nanos, NANOS)
    return f"{second_text(second, '%Y-%m-%dT%H:%M:%S')}.{rest:09d}Z"
