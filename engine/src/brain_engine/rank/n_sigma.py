"""The naive published ranker: how many standard deviations each entity left its mean. For comparison.

Known as N-Sigma, as in Shan et al., "ε-Diagnosis" (WWW 2019), and in RCAEval: mean and standard deviation of the
baseline, the largest distance in the window, the largest of an entity's series. It looks at no dependency and at no
direction. What the detector takes for usual is left out, so that it can say "no cause found" like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain_engine.measured import measured
from brain_engine.rank.protocol import Candidate, Situation, ordered
from brain_engine.series import Array, Evidence, Panel

_FEWEST_REFERENCE = 5  # samples of baseline below which no mean is claimed
_ROUNDING = 1e-12  # of the mean: a smaller standard deviation is rounding, the series is constant
_LARGEST = 1e100  # standard deviations; keeps weights finite


class NSigma:
    """Ranks by the largest |z|; the weight is |z| itself, as the method has no probabilities."""

    name = "n-sigma"

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        deviating = {finding.entity for finding in situation.findings}
        largest: dict[str, float] = {}
        for panel in situation.evidence.panels:
            for entity, distance in zip(panel.entities, _distances(situation.evidence, panel).tolist(), strict=True):
                if entity in deviating:
                    largest[entity] = max(largest.get(entity, 0.0), distance)
        return ordered([Candidate(entity, distance) for entity, distance in largest.items() if distance > 0])


def _distances(evidence: Evidence, panel: Panel) -> Array:
    """The largest |z| of each row in the window, [N]; 0 where the baseline or the window is empty."""
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    values = measured(panel.values)
    reference, window = values[:, :split], values[:, split:]
    distances = np.zeros(len(values))
    enough = (np.isfinite(reference).sum(axis=1) >= _FEWEST_REFERENCE) & np.isfinite(window).any(axis=1)
    if enough.any():
        distances[enough] = _largest_z(reference[enough], window[enough])
    return distances


def _largest_z(reference: Array, window: Array) -> Array:
    mean = np.nanmean(reference, axis=1)
    spread = np.nanstd(reference, axis=1)
    # A constant series has no scale: its differences count as they are, as in scikit-learn's StandardScaler.
    spread = np.where(spread <= _ROUNDING * np.abs(mean), 1.0, spread)
    with np.errstate(over="ignore", divide="ignore"):
        furthest = np.nanmax(np.abs(window - mean[:, None]), axis=1) / spread
    return np.asarray(np.minimum(furthest, _LARGEST), dtype=np.float64)
