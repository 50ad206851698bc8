"""Which time an incident is judged over."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from brain_common.settings import Settings
from brain_rca.evidence.protocol import Window
from brain_rca.model import Incident, IncidentStatus

_FEWEST_STEPS = 3  # rounding to the step costs up to two of them


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

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.longest_seconds < self.lookback_seconds:
            raise ValueError("longest_seconds must not be less than lookback_seconds")
        step = self.step(self.longest_seconds)
        for key in ("lookback_seconds", "baseline_seconds"):
            if getattr(self, key) < _FEWEST_STEPS * step:
                raise ValueError(
                    f"{key} must be at least {_FEWEST_STEPS * step:g}: scrape_interval_seconds, or the longest window "
                    f"with its baseline in most_points samples, makes a step of {step:g} seconds"
                )
        return self

    def step(self, window_seconds: float) -> float:
        """Seconds between samples of a window of this length."""
        span = self.baseline_seconds + window_seconds
        interval = self.scrape_interval_seconds
        return interval * max(1, math.ceil(span / self.most_points / interval))


def window_of(incident: Incident, settings: WindowSettings, now: float) -> Window:
    """The window of an incident: from before its first alert until now, or until a little after it closed."""
    start = incident.opened_at - settings.lookback_seconds
    until = now if incident.status is IncidentStatus.OPEN or incident.closed_at is None else incident.closed_at
    # An alert dated in the future (clock skew) or long ago must not give an empty or endless window.
    end = min(until, start + settings.longest_seconds)
    if end - start < settings.lookback_seconds:
        end, start = until, until - settings.lookback_seconds
    step = settings.step(end - start)
    end = math.floor(end / step) * step
    start = math.ceil(start / step) * step
    baseline = start - math.floor(settings.baseline_seconds / step) * step
    return Window(baseline_start=baseline, start=start, end=end, step=step, scrape=settings.scrape_interval_seconds)
