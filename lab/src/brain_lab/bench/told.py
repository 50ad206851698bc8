"""What a judge is told about when the fault began.

In production nobody knows. Published methods are measured with the moment of the injection given, and those that
trust it fall when it is given too late; so it can be given here too, as an alert's ``startsAt``, right or late.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import numpy as np

from brain_lab.replay.timeline import Timeline
from brain_lab.replay.webhook import moment_text


class InjectionTime(StrEnum):
    """How much is known."""

    UNKNOWN = "unknown"  # the alert starts when its rule fires
    KNOWN = "known"
    LATE60 = "late60"  # told a minute too late
    LATE120 = "late120"


LATE: Final = {
    InjectionTime.UNKNOWN: 0.0,
    InjectionTime.KNOWN: 0.0,
    InjectionTime.LATE60: 60.0,
    InjectionTime.LATE120: 120.0,
}
"""How many seconds too late a moment is told; of no use where nobody knows it."""


def told(payload: dict[str, Any], timeline: Timeline, known: InjectionTime) -> dict[str, Any]:
    """The notification with what is known as the moment since which its alerts fire; never after the last sample."""
    if known is InjectionTime.UNKNOWN:
        return payload
    began = float(timeline.times[int(np.flatnonzero(timeline.incident_rows >= 0)[0])])
    since = moment_text(min(began + LATE[known], float(timeline.times[-1])))
    return payload | {"alerts": [alert | {"startsAt": since} for alert in payload["alerts"]]}
