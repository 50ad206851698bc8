"""Moments at which something happens again and again while a fault lasts: a retried pipeline, a denied call."""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.emit.records import NANOS
from brain_lab.faults.aim import Aim

TOLD: Final = 7200.0
"""Seconds after the onset for which repeats are recorded, of a fault that stays; runs are shorter."""


def moments(aim: Aim, first: float, every: float, rng: np.random.Generator) -> list[float]:
    """Seconds since the epoch, ``every`` seconds apart or somewhat more or less, until the fault is over.

    Args:
        aim: With onset and duration.
        first: Seconds after the onset.
        every: Seconds.
        rng: For the irregularity.
    """
    last = min(aim.duration, TOLD)
    count = max(int(np.ceil((last - first) / every)), 0)
    times = first + every * (np.arange(count) + np.r_[0.0, rng.uniform(-0.3, 0.3, max(count - 1, 0))][:count])
    return [float(aim.onset + time) for time in times if time < last]


def nanos(times: list[float]) -> list[int]:
    """The same in nanoseconds."""
    return [round(time * NANOS) for time in times]
