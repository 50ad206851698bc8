"""Whether a day cost more than such a day does: robust, and aware of weekdays.

A day is compared with the same weekday of the weeks before and with the two weeks before; the milder of both counts.
So a Monday that is always dear is no spike, and neither is a Tuesday like yesterday. Only days whose data are complete
come here. The cost exporter judges what it shows, and the service what it reads from the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

DAY: Final = 86_400  # seconds

_RECENT: Final = 14  # days: two of each weekday
_FEWEST: Final = 3  # of the same weekday; a median of two is a mean
_TO_SIGMA: Final = 1.4826  # of the median absolute deviation, for a normal distribution
_LEAST_RELATIVE: Final = 0.05  # of the median: bills vary by as much without any reason to look
_LEAST_ABSOLUTE: Final = 0.01  # the smallest amount anybody pays


@dataclass(frozen=True, slots=True)
class Spike:
    """How far the last day is above its like, in robust standard deviations, and by how much money."""

    score: float
    excess: float


def last_complete(now: float, delay_hours: float) -> int:
    """Begin of the last UTC day whose cost AWS has had ``delay_hours`` to gather, in seconds since the epoch."""
    return int((now - delay_hours * 3600) // DAY - 1) * DAY


def judge(days: Sequence[float]) -> Spike | None:
    """The last of ``days`` (amounts, oldest first, none missing); None while there is too little to compare with."""
    last, before = days[-1], np.asarray(days[:-1], dtype=np.float64)
    same = before[::-1][6::7]
    if len(same) < _FEWEST:
        return None
    (first_score, first_excess), (second_score, second_excess) = (_over(last, same), _over(last, before[-_RECENT:]))
    return Spike(min(first_score, second_score), min(first_excess, second_excess))


def _over(value: float, usual: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    middle = float(np.median(usual))
    spread = _TO_SIGMA * float(np.median(np.abs(usual - middle)))
    scale = max(spread, _LEAST_RELATIVE * abs(middle), _LEAST_ABSOLUTE)
    return max(0.0, (value - middle) / scale), max(0.0, value - middle)
