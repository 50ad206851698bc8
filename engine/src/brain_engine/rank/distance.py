"""How far each entity left a centre of its baseline: what the published scorers without a graph have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from brain_engine.measured import measured
from brain_engine.rank.protocol import Situation
from brain_engine.series import Array, Evidence, Panel

CentreAndScale = Callable[[Array], tuple[Array, Array]]
"""From baselines, [N, T], to a centre and a scale of each, [N]."""

_FEWEST_REFERENCE = 5  # samples of baseline below which no centre is claimed
_ROUNDING = 1e-12  # of the centre: a smaller scale is rounding, the series is constant
_LARGEST = 1e100  # scales; keeps weights finite


def furthest(situation: Situation, centre_and_scale: CentreAndScale) -> dict[str, float]:
    """The largest distance of the series of each deviating entity, in scales; 0 without baseline or window."""
    deviating = {finding.entity for finding in situation.findings}
    largest: dict[str, float] = {}
    for panel in situation.evidence.panels:
        distances = _distances(situation.evidence, panel, centre_and_scale).tolist()
        for entity, distance in zip(panel.entities, distances, strict=True):
            if entity in deviating:
                largest[entity] = max(largest.get(entity, 0.0), distance)
    return largest


def _distances(evidence: Evidence, panel: Panel, centre_and_scale: CentreAndScale) -> Array:
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    values = measured(panel.values)
    reference, window = values[:, :split], values[:, split:]
    distances = np.zeros(len(values))
    enough = (np.isfinite(reference).sum(axis=1) >= _FEWEST_REFERENCE) & np.isfinite(window).any(axis=1)
    if enough.any():
        distances[enough] = _largest(window[enough], *centre_and_scale(reference[enough]))
    return distances


def _largest(window: Array, centre: Array, scale: Array) -> Array:
    # A constant series has no scale: its differences count as they are, as in scikit-learn's scalers.
    scale = np.where(scale <= _ROUNDING * np.abs(centre), 1.0, scale)
    with np.errstate(over="ignore", divide="ignore"):
        distance = np.nanmax(np.abs(window - centre[:, None]), axis=1) / scale
    return np.asarray(np.minimum(distance, _LARGEST), dtype=np.float64)
