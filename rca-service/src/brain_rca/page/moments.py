"""Points in time and durations as people say them; hostile numbers never raise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

_YEAR_9999 = 253402300799.0  # the last second that datetime can hold
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Moment:
    """One point in time, seen from ``now``.

    Attributes:
        iso: For ``<time datetime>``, UTC.
        text: ``03:12:15``, with the date in front when it is not today's.
        full: Date and time of day, UTC.
        ago: ``12 min ago`` or ``in 5 s``.
    """

    iso: str
    text: str
    full: str
    ago: str


def moment(at: float, now: float) -> Moment:
    """Describe ``at``; both in seconds since the epoch."""
    when, today = utc(at), utc(now)
    clock, date = f"{when:%H:%M:%S}", f"{when:%Y-%m-%d}"
    same_day = when.date() == today.date()
    return Moment(
        iso=f"{date}T{clock}Z",
        text=clock if same_day else f"{date} {clock}",
        full=f"{date} {clock} UTC",
        ago=_relative(now - at),
    )


def duration(seconds: float) -> str:
    """The two largest units: ``1 h 20 min``, ``45 s``, ``2 d``; from ten minutes on without seconds."""
    if not math.isfinite(seconds):
        return "unknown"
    left = round(min(abs(seconds), _YEAR_9999))
    if left >= 600:
        left -= left % 60
    if left >= 86400:
        left -= left % 3600
    parts = []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}\N{NO-BREAK SPACE}{name}")
    return " ".join(parts[:2]) or "0\N{NO-BREAK SPACE}s"


def utc(at: float) -> datetime:
    """A datetime for any float; what is out of range becomes the nearest that is not."""
    if math.isnan(at):
        at = 0.0
    return datetime.fromtimestamp(min(max(at, 0.0), _YEAR_9999), UTC)


def _relative(seconds: float) -> str:
    if math.isfinite(seconds) and abs(seconds) < 1:
        return "just now"
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(seconds)}"
