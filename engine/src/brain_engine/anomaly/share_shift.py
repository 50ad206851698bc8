"""How unusual it is that so many of the chances were taken, given how many were before: counts that have trials.

The share in the baseline is robust against other incidents in it: it is made of blocks of time, the tenth with the
highest shares is left out. The window is scanned at several lengths, since a fault may fill a part of it. What is
measured is the binomial log-likelihood ratio, divided by how much more the blocks differ than a binomial's would
(quasi-likelihood; Wedderburn, Biometrika 1974). For small values its tail is that of ``tail.nats_of`` (by Chernoff a
ratio of x nats has a probability of at most exp(-x)); large ones, which presume that requests fail independently of
each other, are tamed by the same tail as everything else. One-sided: what became rarer made something else more
frequent.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from brain_engine.anomaly.running_sum import running_sum
from brain_engine.anomaly.tail import nats_of
from brain_engine.deviations import Deviations
from brain_engine.series import Array

_BLOCKS: Final = 20
_INCIDENTS: Final = 0.1  # of the blocks, with the highest shares, that may be incidents of their own
_LENGTHS: Final = (3, 10)  # samples, besides the whole window
LEAST_RATIO: Final = 2.5  # of the two shares; smaller changes are of no operational interest
_PRIOR: Final = 0.5  # happenings taken to have been missed in the baseline (Jeffreys' prior)
_TINY: Final = 1e-12


class _Peak(NamedTuple):
    """The strongest part of the window, [N] each."""

    ratio: Array
    start: np.ndarray
    length: np.ndarray
    share: Array


def share_deviations(hits: Array, trials: Array, split: int) -> Deviations:
    """Deviations of [N, T] hits of as many trials; samples before ``split`` are the baseline."""
    rows, width = len(hits), hits.shape[1] - split
    if width == 0 or split == 0 or rows == 0:
        return Deviations.none(rows)
    seen, chances = _usual_blocks(hits[:, :split], trials[:, :split])
    usual = _share(seen, chances)
    peak = _scan(hits[:, split:], trials[:, split:], usual)
    nats = np.maximum(nats_of(peak.ratio / _dispersion(seen, chances)) - np.log(1 + len(_LENGTHS)), 0.0)
    onset = _onset(hits[:, split:], peak) + split
    until = _until(hits[:, split:], trials[:, split:], usual, peak, split)
    return Deviations(nats, np.ones(rows, bool), onset, until, usual, peak.share)


def most_by_chance(hits: Array, trials: Array, split: int) -> Array:
    """The most that such counts can tell of a share that grew, in nats, [N], as if each trial were independent.

    The log-likelihood ratio of one share before and in the worst part of the window against two; that the usual share
    is known from a few hits only is in it, unlike in ``share_deviations``.

    Args:
        hits, trials: [N, T] counts.
        split: Samples before it are the baseline.
    """
    if split == 0 or hits.shape[1] == split or not len(hits):
        return np.full(len(hits), np.inf)
    blocks = _usual_blocks(hits[:, :split], trials[:, :split])
    before, chances = (one.sum(axis=1)[:, None] for one in blocks)
    most = np.zeros(len(hits))
    width = hits.shape[1] - split
    for length in sorted({min(length, width) for length in (*_LENGTHS, width)}):
        seen, tried = running_sum(hits[:, split:], length), running_sum(trials[:, split:], length)
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = (before + seen) / (chances + tried)
            ratio = _likelihood(seen, tried, pooled) + _likelihood(before, chances, pooled)
            grew = seen * chances > before * tried
        most = np.maximum(most, np.where(grew, ratio, 0.0).max(axis=1))
    return np.asarray(most / _dispersion(*blocks), dtype=np.float64)


def _usual_blocks(hits: Array, trials: Array) -> tuple[Array, Array]:
    """Hits and trials of the baseline's blocks, [N, B] each; zeros for those that may be incidents."""
    edges = np.unique(np.linspace(0, hits.shape[1], min(_BLOCKS, hits.shape[1]) + 1).astype(np.int64))[:-1]
    seen, chances = np.add.reduceat(hits, edges, axis=1), np.add.reduceat(trials, edges, axis=1)
    kept = _ordinary(seen, chances)
    return np.where(kept, seen, 0.0), np.where(kept, chances, 0.0)


def _share(seen: Array, chances: Array) -> Array:
    return np.asarray((seen.sum(axis=1) + _PRIOR) / (chances.sum(axis=1) + 2 * _PRIOR), dtype=np.float64)


def _dispersion(seen: Array, chances: Array) -> Array:
    """How much more the blocks of the baseline differ than by chance, [N]; at least 1."""
    usual = _share(seen, chances)
    expected = usual[:, None] * chances
    spread = (seen - expected) ** 2 / np.maximum(expected * (1.0 - usual[:, None]), _TINY)
    freedom = np.maximum((chances > 0).sum(axis=1) - 1, 1)
    return np.asarray(np.maximum(np.where(chances > 0, spread, 0.0).sum(axis=1) / freedom, 1.0), dtype=np.float64)


def _ordinary(seen: Array, chances: Array) -> np.ndarray:
    """Which blocks count: all with chances, but for the tenth with the highest shares."""
    share = np.where(chances > 0, seen / np.maximum(chances, 1.0), -1.0)
    known = (chances > 0).sum(axis=1)
    order = np.argsort(np.argsort(-share, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray((chances > 0) & (order >= np.floor(_INCIDENTS * known)[:, None]))


def _scan(hits: Array, trials: Array, usual: Array) -> _Peak:
    """The part of the window in which the share is the least likely one."""
    width = hits.shape[1]
    index = np.arange(len(hits))
    best = _Peak(np.zeros(len(hits)), np.zeros(len(hits), np.int64), np.full(len(hits), width), usual)
    for length in sorted({min(length, width) for length in (*_LENGTHS, width)}):
        seen, chances = running_sum(hits, length), running_sum(trials, length)
        ratio = _ratio(seen, chances, usual[:, None])
        start = ratio.argmax(axis=1)
        better = ratio[index, start] > best.ratio
        share = seen[index, start] / np.maximum(chances[index, start], 1.0)
        best = _Peak(
            np.where(better, ratio[index, start], best.ratio),
            np.where(better, start, best.start),
            np.where(better, length, best.length),
            np.where(better, share, best.share),
        )
    return best


def _ratio(seen: Array, chances: Array, usual: Array) -> Array:
    """Binomial log-likelihood ratio; 0 for what became rarer, or changed too little."""
    with np.errstate(divide="ignore", invalid="ignore"):
        large = seen / chances >= LEAST_RATIO * usual
    return np.where(large, np.maximum(_likelihood(seen, chances, usual), 0.0), 0.0)


def _likelihood(seen: Array, chances: Array, share: Array) -> Array:
    """Log-likelihood of so many hits at their own share over that at ``share``, of binomials."""
    other = chances - seen
    with np.errstate(divide="ignore", invalid="ignore"):
        own = seen / chances
        value = np.where(seen > 0, seen * np.log(own / share), 0.0)
        value += np.where(other > 0, other * np.log((1.0 - own) / np.maximum(1.0 - share, _TINY)), 0.0)
    return np.asarray(value, dtype=np.float64)


def _onset(hits: Array, peak: _Peak) -> np.ndarray:
    """The first sample of the strongest part that has a hit."""
    position = np.arange(hits.shape[1])[None, :]
    inside = (position >= peak.start[:, None]) & (position < (peak.start + peak.length)[:, None])
    first = np.where(inside & (hits > 0), position, hits.shape[1]).min(axis=1)
    return np.asarray(np.where(first < hits.shape[1], first, peak.start), dtype=np.int64)


def _until(hits: Array, trials: Array, usual: Array, peak: _Peak, split: int) -> np.ndarray:
    """Where the strongest part ends, if what came after it is nearer to the usual share; -1 where it lasts."""
    end = peak.start + peak.length
    after = np.arange(hits.shape[1])[None, :] >= end[:, None]
    seen, chances = np.where(after, hits, 0.0).sum(axis=1), np.where(after, trials, 0.0).sum(axis=1)
    over = (chances > 0) & (seen < 0.5 * (usual + peak.share) * chances)
    return np.where(over, end + split, -1)
