"""How unusual a count is, given how often the same thing happened before: novel, exploding and vanished ones.

Counts of the baseline give a rate, per step or per chance; the window is scanned with running sums for the moments that
fit it worst. What is measured is the Poisson log-likelihood ratio of the two rates, divided by how much more the
baseline varies than a Poisson process does (quasi-likelihood; Wedderburn, Biometrika 1974). Its signed root is a
distance like those of ``robust_shift``, and is turned into nats by the same tail, so that a template that was never
seen before and a latency of a hundred times the usual are on one scale.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_engine.anomaly.running_sum import running_sum
from brain_engine.anomaly.tail import nats_of
from brain_engine.findings import Deviations
from brain_engine.series import Array, CountPanel, Evidence

_LONGEST_SUM: Final = 10  # samples, as of the running median
_LEAST_RATIO: Final = 2.5  # of the two rates; smaller changes are of no operational interest
_PRIOR: Final = 0.5  # happenings that are taken to have been missed in the baseline (Jeffreys' prior of a rate)


class RateShift:
    """See the module."""

    name = "rate-shift"

    def deviations(self, evidence: Evidence, panel: CountPanel) -> Deviations:
        split = int(np.searchsorted(evidence.times, evidence.window_start))
        hits = np.nan_to_num(panel.hits)
        looked = np.isfinite(panel.hits)
        trials = looked.astype(np.float64) if panel.trials is None else np.where(looked, np.nan_to_num(panel.trials), 0)
        rows, width = len(hits), hits.shape[1] - split
        if width == 0 or split == 0 or rows == 0:
            nothing = np.full(rows, np.nan)
            return Deviations(np.zeros(rows), np.ones(rows, bool), np.full(rows, -1), nothing, nothing)
        rate = (hits[:, :split].sum(axis=1) + _PRIOR) / np.maximum(trials[:, :split].sum(axis=1), 1.0)
        length = min(width, _LONGEST_SUM)
        seen, chances = running_sum(hits[:, split:], length), running_sum(trials[:, split:], length)
        expected = rate[:, None] * chances
        shift = _signed_root(seen, expected) / np.sqrt(_dispersion(hits[:, :split], trials[:, :split], length))[:, None]
        peak = np.abs(shift).argmax(axis=1)
        index = np.arange(rows)
        known = np.maximum(chances[index, peak], 1.0)
        return Deviations(
            nats=nats_of(np.abs(shift[index, peak])),
            up=shift[index, peak] >= 0,
            onset=_onset(hits[:, split:], rate[:, None] * trials[:, split:], peak, length) + split,
            usual=(rate - _PRIOR / np.maximum(trials[:, :split].sum(axis=1), 1.0)),
            extreme=seen[index, peak] / known,
        )


def _signed_root(seen: Array, expected: Array) -> Array:
    """Root of twice the log-likelihood ratio, with the sign of the deviation; 0 for what changed too little."""
    wanted = np.maximum(expected, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(seen > 0, seen * np.log(seen / wanted), 0.0) - (seen - wanted)
    root = np.sqrt(2.0 * np.maximum(ratio, 0.0))
    large = (seen >= _LEAST_RATIO * wanted) | (seen * _LEAST_RATIO <= wanted)
    return np.asarray(np.where(large, np.sign(seen - wanted) * root, 0.0), dtype=np.float64)


def _dispersion(hits: Array, trials: Array, length: int) -> Array:
    """Variance over mean of the running sums of the baseline, [N]; at least 1."""
    if hits.shape[1] < 2 * length:
        return np.ones(len(hits))
    sums, chances = running_sum(hits, length), running_sum(trials, length)
    rate = hits.sum(axis=1) / np.maximum(trials.sum(axis=1), 1.0)
    expected = np.maximum(rate[:, None] * chances, 1e-12)
    spread = ((sums - expected) ** 2).mean(axis=1) / expected.mean(axis=1)
    return np.asarray(np.maximum(spread, 1.0), dtype=np.float64)


def _onset(hits: Array, expected: Array, peak: np.ndarray, length: int) -> np.ndarray:
    """The first step of the window that belongs to the deviation: where it leaves what is expected for good."""
    position = np.arange(hits.shape[1])[None, :]
    inside = (position >= peak[:, None]) & (position < peak[:, None] + length)
    away = np.abs(hits - expected) > np.abs(expected) * (_LEAST_RATIO - 1.0)
    first = np.where(inside & away, position, hits.shape[1]).min(axis=1)
    return np.asarray(np.where(first < hits.shape[1], first, peak), dtype=np.int64)
