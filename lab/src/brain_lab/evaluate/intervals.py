"""How sure a figure is: 95 % intervals of shares and of means.

Wilson's score interval for shares (Wilson 1927; Brown, Cai & DasGupta, "Interval Estimation for a Binomial Proportion",
2001): right also for few cases and for shares of 0 and 1. The percentile bootstrap for means (Efron & Tibshirani 1993),
seeded, so that the same results give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

Z: Final = 1.959963984540054
"""97.5 % quantile of the normal distribution."""

RESAMPLES: Final = 2000

SEED: Final = 20_240_601


class Interval(NamedTuple):
    """A figure with its 95 % interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float


NOTHING: Final = Interval(math.nan, math.nan, math.nan)


def wilson(hits: int, of: int) -> Interval:
    """The share ``hits / of``.

    Raises:
        ValueError: More hits than cases, or fewer than none.
    """
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no share")
    if not of:
        return NOTHING
    share, weight = hits / of, Z * Z / of
    middle = share + weight / 2.0
    half = Z * math.sqrt((share * (1.0 - share) + weight / 4.0) / of)
    low, high = (middle - half) / (1.0 + weight), (middle + half) / (1.0 + weight)
    return Interval(share, min(max(low, 0.0), share), max(min(high, 1.0), share))


def bootstrap(values: Sequence[float], seed: int = SEED) -> Interval:
    """The mean."""
    if not len(values):
        return NOTHING
    known = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(len(known), size=(RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(axis=1), (0.025, 0.975))
    return Interval(float(known.mean()), float(low), float(high))
