"""The naive published ranker: how many standard deviations each entity left its mean. For comparison.

Known as N-Sigma, as in Shan et al., "ε-Diagnosis" (WWW 2019), and in RCAEval: mean and standard deviation of the
baseline, the largest distance in the window, the largest of an entity's series. It looks at no dependency and at no
direction. What the detector takes for usual is left out, so that it can say "no cause found" like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain_engine.rank.distance import furthest
from brain_engine.rank.protocol import Candidate, Situation, ordered
from brain_engine.series import Array


class NSigma:
    """Ranks by the largest |z|; the weight is |z| itself, as the method has no probabilities."""

    name = "n-sigma"

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        found = furthest(situation, _mean_and_deviation)
        return ordered([Candidate(entity, distance) for entity, distance in found.items() if distance > 0])


def _mean_and_deviation(reference: Array) -> tuple[Array, Array]:
    return np.nanmean(reference, axis=1), np.nanstd(reference, axis=1)
