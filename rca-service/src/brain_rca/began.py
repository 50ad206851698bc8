"""The two moments of an incident, and one name for each on the page, in the terminal, in annotations and notifications.

The cause begins when the first of its findings leaves its usual level, the trouble when what alerts does. Alerts fire
later than both.
"""

from __future__ import annotations

from typing import Final

from brain_rca.model import Incident
from brain_rca.page.moments import utc

CAUSE_BEGAN: Final = "Cause began"
TROUBLE_BEGAN: Final = "Trouble began"
MEANINGS: Final = {
    CAUSE_BEGAN: "When the first finding about the cause left its usual level",
    TROUBLE_BEGAN: "When what alerts left its usual level; alerts fire later",
}


def beginnings(incident: Incident) -> tuple[tuple[str, float], ...]:
    """The name of each moment that is known, and when it was, in seconds since the epoch."""
    cause = incident.told
    moments = (
        (CAUSE_BEGAN, cause.began if cause else None),
        (TROUBLE_BEGAN, incident.analysis.trouble_began if incident.analysis else None),
    )
    return tuple((name, at) for name, at in moments if at is not None)


def known_to(incident: Incident) -> str:
    """How well the moments are known: ``known to 30 s``; empty where nobody can tell."""
    resolution = incident.analysis.resolution if incident.analysis else 0.0
    return f"known to {resolution:.0f} s" if resolution >= 1 else ""


def began_line(incident: Incident) -> str:
    """As one line: ``Cause began 2026-03-01 04:33:30 UTC, …``; empty where nothing is known."""
    moments = [f"{name} {utc(at):%Y-%m-%d %H:%M:%S} UTC" for name, at in beginnings(incident)]
    return ", ".join([*moments, *filter(None, [known_to(incident)])]) if moments else ""
