"""Which time an incident is judged over."""

from __future__ import annotations

import math

from pydantic import Field

from brain_common.settings import Settings
from brain_rca.evidence.protocol import Window
from brain_rca.model import Incident, IncidentStatus


class WindowSettings(Settings):
    """How far to look back."""

    lookback_seconds: float = Field(
        default=1800.0,
        gt=0,
        le=86400,
        description="The onset is looked for from this long before the first alert: alerts come late.",
    )
    longest_seconds: float = Field(
        default=7200.0,
        gt=0,
        le=86400,
        description="Longest window; of an incident open for longer, its beginning is judged.",
    )
    baseline_seconds: float = Field(
        default=3600.0, gt=0, le=7 * 86400, description="Length of the baseline before the window."
    )
    scrape_interval_seconds: float = Field(default=15.0, gt=0, le=600, description="Finest step of the evidence.")
    most_points: int = Field(
        default=240,
        ge=40,
        le=2000,
        description="Most samples a series; the step grows beyond the scrape interval to keep it.",
    )


def window_of(incident: Incident, settings: WindowSettings, now: float) -> Window:
    """The window of an incident: from before its first alert until now, or until a little after it closed."""
    start = incident.opened_at - settings.lookback_seconds
    until = now if incident.status is IncidentStatus.OPEN or incident.closed_at is None else incident.closed_at
    # An alert dated in the future (clock skew) or long ago must not give an empty or endless window.
    end = min(until, start + settings.longest_seconds)
    if end - start < settings.lookback_seconds:
        end, start = until, until - settings.lookback_seconds
    span = settings.baseline_seconds + end - start
    step = settings.scrape_interval_seconds
    step *= max(1, math.ceil(span / settings.most_points / step))
    end = math.floor(end / step) * step
    start = math.ceil(start / step) * step
    baseline = start - math.floor(settings.baseline_seconds / step) * step
    return Window(baseline_start=baseline, start=start, end=end, step=step)
