"""Is a day's cost unusual? Against the median of the days before and of the same weekdays, by the median deviation.

Medians, so that a spike of last week does not hide this one's; weekdays, so that a batch of each Monday is usual on a
Monday (the robust z-score of Iglewicz and Hoaglin, 1993, with the seasonal median taken off). What is incomplete is
never judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from brain_exporters.cost.config import SpikeSettings

RECENT_DAYS: Final = 14
WEEKS: Final = 5
LEAST_DAYS: Final = 7  # before that nothing is usual yet
_SIGMA: Final = 1.4826  # of a normal distribution, per median absolute deviation
_FLOOR: Final = 0.05  # of the usual: costs wander by some percent without anything being wrong


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one day.

    Attributes:
        expected: What would have been usual, in currency.
        score: How many deviations above; negative below.
        excess: What was spent beyond the usual; 0 where it is no spike.
    """

    expected: float
    score: float
    excess: float


def judge(days: Mapping[date, float], day: date, settings: SpikeSettings) -> Judgement | None:
    """One series at one day; None while there are too few days before it.

    Args:
        days: Amounts by day; a day that is not there cost nothing, if others before it are there.
        day: Which one.
        settings: What counts.
    """
    begin = min(days, default=day)
    if (day - begin).days < LEAST_DAYS:
        return None
    recent = [
        days.get(day - timedelta(days=n), 0.0) for n in range(1, RECENT_DAYS + 1) if day - timedelta(days=n) >= begin
    ]
    same = [days.get(day - timedelta(weeks=n), 0.0) for n in range(1, WEEKS + 1) if day - timedelta(weeks=n) >= begin]
    usual = float(np.median(recent))
    weekday = float(np.median(same)) if len(same) >= 3 else usual
    expected = max(usual, weekday)
    around = same if weekday > usual else recent
    spread = _SIGMA * float(np.median(np.abs(np.array(around) - np.median(around))))
    scale = max(spread, _FLOOR * expected, settings.least_amount / settings.score, 1e-9)
    difference = days.get(day, 0.0) - expected
    score = difference / scale
    spiking = score >= settings.score and difference >= settings.least_amount
    return Judgement(expected, score, difference if spiking else 0.0)
