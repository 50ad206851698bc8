"""How unusual a count is, given how often the same thing happened before: novel, exploding and vanished ones.

Counts of the baseline give a rate per step; the window is scanned with running sums for the moments that fit it
worst. What is measured is the Poisson log-likelihood ratio of the two rates, divided by how much more the
baseline varies than a Poisson process does (quasi-likelihood; Wedderburn, Biometrika 1974). By Chernoff a ratio of x
nats has a probability of at most exp(-x), so a few errors that were never seen before already tell something; large
ratios, which presume that lines are written independently of each other, are tamed by the tail of everything else.
Bursts in the baseline make a burst in the window an ordinary one: jobs that run every now and then.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_engine.anomaly.running_sum import running_sum
from brain_engine.anomaly.tail import nats_of
from brain_engine.deviations import Deviations
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
        looked = np.isfinite(panel.hits).astype(np.float64)
        rows, width = len(hits), hits.shape[1] - split
        if width == 0 or split == 0 or rows == 0:
            return Deviations.none(rows)
        rate = (hits[:, :split].sum(axis=1) + _PRIOR) / np.maximum(looked[:, :split].sum(axis=1), 1.0)
        length = min(width, _LONGEST_SUM)
        seen, steps = running_sum(hits[:, split:], length), running_sum(looked[:, split:], length)
        expected = rate[:, None] * steps
        shift = _signed_ratio(seen, expected) / _dispersion(hits[:, :split], looked[:, :split], length)[:, None]
        shift[looked[:, :split].sum(axis=1) == 0] = 0.0  # nobody looked before, so nothing is known to be unusual
        peak = np.abs(shift).argmax(axis=1)
        index = np.arange(rows)
        # Of so many places that do not overlap, the worst was taken.
        nats = nats_of(np.abs(shift[index, peak])) - np.log(width / length)
        extreme = seen[index, peak] / np.maximum(steps[index, peak], 1.0)
        looked_at = looked[:, split:]
        return Deviations(
            nats=np.maximum(nats, 0.0),
            up=shift[index, peak] >= 0,
            onset=_onset(hits[:, split:], rate[:, None] * looked_at, extreme[:, None] * looked_at, shift, peak) + split,
            until=np.full(rows, -1),
            usual=(rate - _PRIOR / np.maximum(looked[:, :split].sum(axis=1), 1.0)),
            extreme=extreme,
        )


def _signed_ratio(seen: Array, expected: Array) -> Array:
    """Log-likelihood ratio, with the sign of the deviation; 0 for what changed too little."""
    wanted = np.maximum(expected, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(seen > 0, seen * np.log(seen / wanted), 0.0) - (seen - wanted)
    large = (seen >= _LEAST_RATIO * wanted) | (seen * _LEAST_RATIO <= wanted)
    return np.asarray(np.where(large, np.sign(seen - wanted) * np.maximum(ratio, 0.0), 0.0), dtype=np.float64)


def _dispersion(hits: Array, looked: Array, length: int) -> Array:
    """Variance over mean of the running sums of the baseline, [N]; at least 1."""
    if hits.shape[1] < 2 * length:
        return np.ones(len(hits))
    sums, steps = running_sum(hits, length), running_sum(looked, length)
    rate = hits.sum(axis=1) / np.maximum(looked.sum(axis=1), 1.0)
    expected = np.maximum(rate[:, None] * steps, 1e-12)
    spread = ((sums - expected) ** 2).mean(axis=1) / expected.mean(axis=1)
    return np.asarray(np.maximum(spread, 1.0), dtype=np.float64)


def _onset(hits: Array, usual: Array, extreme: Array, shift: Array, peak: np.ndarray) -> np.ndarray:
    """The first step of the window that is nearer to the extreme than to the usual, in the run that leads to the peak.

    Args:
        hits, usual, extreme: [N, W] what was counted, and what would be at these rates.
        shift: [N, V] of the sums that begin at each step, V <= W.
        peak: [N] the strongest of them.
    """
    index, width = np.arange(len(hits)), hits.shape[1]
    place = np.arange(shift.shape[1])[None, :]
    strong = shift * np.sign(shift[index, peak])[:, None] >= 0.5 * np.abs(shift[index, peak])[:, None]
    start = np.where(~strong & (place <= peak[:, None]), place, -1).max(axis=1) + 1
    position = np.arange(width)[None, :]
    length = width - shift.shape[1] + 1
    inside = (position >= start[:, None]) & (position < peak[:, None] + length)
    beyond = (hits - usual) * np.sign(extreme - usual) >= 0.5 * np.abs(extreme - usual)
    first = np.where(inside & beyond, position, width).min(axis=1)
    return np.asarray(np.where(first < width, first, peak), dtype=np.int64)
