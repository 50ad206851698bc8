"""Lays a recorded case on the scrape times of a Prometheus, so that the incident ends at a given moment.

From the end backwards: the incident, then the normal period, straight before it whatever the recording's
own gap was. A normal period that is too short for a baseline is read backwards and forwards again, as in a
mirror: that keeps every level and slope and adds no step at the seams, but it also repeats the same
minutes, so seasons and slow drift in the replay mean nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.recorded.model import Array, CallKey, RecordedCase, Recording, SeriesKey

Rows = NDArray[np.int64]

HOLD_STEPS: Final = 1.5
"""A row stands for at most so many steps; in a longer gap of the recording there are no samples."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How densely and how far back to write.

    Attributes:
        scrape_seconds: Distance of two samples; well below the five minutes of Prometheus' lookback.
        normal_seconds: Length of the normal period in front of the incident.
    """

    scrape_seconds: float
    normal_seconds: float


COARSE: Final = Plan(scrape_seconds=60.0, normal_seconds=48 * 3600.0)
"""For rows of minutes: two days, so that the same hour of the day before is there."""

MINUTES: Final = Plan(scrape_seconds=15.0, normal_seconds=26 * 3600.0)
"""For rows of a minute: as often as the product expects to be scraped, so that it finds rates of counters; with the
same hour of the day before."""

FINE: Final = Plan(scrape_seconds=5.0, normal_seconds=2.5 * 3600.0)
"""For rows of seconds, recorded over minutes: enough for a baseline of the hour before the window."""


def plan_for(step: float) -> Plan:
    """The plan that suits rows ``step`` seconds apart."""
    if step >= 2 * COARSE.scrape_seconds:
        return COARSE
    return MINUTES if step >= 2 * MINUTES.scrape_seconds else FINE


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which row of which period each scrape sees.

    Attributes:
        case: What is being replayed.
        times: [T] seconds since the epoch, whole, ascending, evenly spaced.
        normal_rows: [T] row of the normal period; -1 where it is not the normal period's turn.
        incident_rows: [T] row of the incident, or -1.
    """

    case: RecordedCase
    times: Array
    normal_rows: Rows
    incident_rows: Rows

    @property
    def scrape_seconds(self) -> float:
        """Distance of two samples."""
        return float(self.times[1] - self.times[0])

    @property
    def keys(self) -> list[SeriesKey]:
        """All series of either period, sorted: the order of the columns of a recording says nothing."""
        return sorted({*self.case.normal.values, *self.case.incident.values})

    def values(self, key: SeriesKey) -> Array:
        """[T] the series on the scrape times; NaN where it has no sample."""
        return self._joined(self.case.normal.values.get(key), self.case.incident.values.get(key))

    def call(self, key: CallKey) -> Array:
        """[T] the same for the seconds of a call."""
        return self._joined(self.case.normal.calls.get(key), self.case.incident.calls.get(key))

    def _joined(self, normal: Array | None, incident: Array | None) -> Array:
        before, after = _picked(normal, self.normal_rows), _picked(incident, self.incident_rows)
        return np.where(self.incident_rows >= 0, after, before)


def lay_out(case: RecordedCase, now: float, plan: Plan) -> Timeline:
    """The case with its incident ending at ``now``, rounded down to a second."""
    span = _span(case.incident, case.step)
    count = int((span + plan.normal_seconds) // plan.scrape_seconds) + 1
    age = np.arange(count, dtype=np.float64)[::-1] * plan.scrape_seconds
    incident = _rows(case.incident, age, case.step)
    normal = _rows(case.normal, _mirrored(age - span, _span(case.normal, case.step)), case.step)
    in_incident = age < span
    return Timeline(
        case=case,
        times=math.floor(now) - age,
        normal_rows=np.where(in_incident, -1, normal),
        incident_rows=np.where(in_incident, incident, -1),
    )


def _span(recording: Recording, step: float) -> float:
    return float(recording.times[-1] - recording.times[0]) + step


def _mirrored(age: Array, span: float) -> Array:
    """Ages beyond the span, folded back into it: 0 … span … 0 … span."""
    return span - np.abs(np.mod(age, 2 * span) - span)


def _rows(recording: Recording, age: Array, step: float) -> Rows:
    """The row that covers the moment ``age`` seconds before the recording's end; -1 in a gap."""
    moment = recording.times[-1] + step - age
    rows = np.maximum(np.searchsorted(recording.times, moment, side="left") - 1, 0)
    return np.where(moment - recording.times[rows] <= HOLD_STEPS * step, rows, -1)


def _picked(column: Array | None, rows: Rows) -> Array:
    if column is None:
        return np.full(len(rows), np.nan)
    return np.where(rows >= 0, column[rows], np.nan)
