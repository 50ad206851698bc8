"""A published robust scorer: how many interquartile ranges each entity left its median. For comparison.

RobustScorer of Pham, Ha and Zhang, "BARO: Robust Root Cause Analysis for Microservices via Multivariate Bayesian Online
Change Point Detection" (FSE 2024): median and interquartile range of the baseline, the largest distance in the window,
the largest of an entity's series. It looks at no dependency and at no direction. What the detector takes for usual is
left out, so that it can say "no cause found" like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain_engine.rank.distance import furthest
from brain_engine.rank.protocol import Candidate, Situation, ordered
from brain_engine.series import Array


class Baro:
    """Ranks by the largest distance; the weight is the distance itself, as the method has no probabilities."""

    name = "baro"

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        found = furthest(situation, _median_and_range)
        return ordered([Candidate(entity, distance) for entity, distance in found.items() if distance > 0])


def _median_and_range(reference: Array) -> tuple[Array, Array]:
    low, middle, high = np.nanquantile(reference, (0.25, 0.5, 0.75), axis=1)
    return middle, high - low
