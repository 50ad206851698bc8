"""A shift of the running median against a robust scale, with unknown onset.

The window is scanned with a running median, so that single spikes do not count and the onset need not be given.
The scale is the largest of several robust ones: a MAD or an IQR of zero (constant or byte-scale columns) must not
make every wiggle infinite. The tail is Student's t with 3 degrees of freedom: evidence then grows with the
logarithm of the deviation, and a deviation of 1,000 scales does not bury one of 100.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brain_engine.anomaly.quantiles import quantiles
from brain_engine.anomaly.running_median import running_median
from brain_engine.anomaly.tail import nats_of
from brain_engine.deviations import Deviations
from brain_engine.measured import measured
from brain_engine.series import Array, Direction, Evidence, Family, Panel

_LONGEST_MEDIAN = 10  # samples: enough to drop spikes, short enough to see a fault of a few minutes
_QUIET = 3  # samples at the end that are back at the usual level, of what is over
_FEWEST_REFERENCE = 5  # samples of baseline below which no usual level is claimed
_MAD_TO_SIGMA = 1.4826  # of a normal distribution, as the next two
_IQR_TO_SIGMA = 1.349
_Q90_TO_SIGMA = 3.29
# The share of the baseline's own running medians that lie beyond _RARE_T scales, by Student's t with 3 degrees.
_RARE, _RARE_T = 0.01, 4.541
_LEAST_RELATIVE = 0.05  # of the usual level: smaller changes are of no operational interest, but for what is there or
# not: one of four GPUs, or a tenth of a percent of probes
_LEAST_OF_MAXIMUM = 0.001
# Families whose exporters publish a series only once something has happened: no baseline means zero, and a short one is
# believed.
_ABSENT_IS_ZERO = frozenset({Family.ERRORS, Family.RESTARTS, Family.AVAILABILITY})


class RobustShift:
    """The built-in detector; see the module for the idea."""

    name = "robust-shift"

    def deviations(self, evidence: Evidence, panel: Panel) -> Deviations:
        split = int(np.searchsorted(evidence.times, evidence.window_start))
        values = measured(panel.values)
        reference, window = values[:, :split], values[:, split:]
        absent_is_zero = panel.signal.family in _ABSENT_IS_ZERO
        least = _LEAST_OF_MAXIMUM if panel.signal.family is Family.AVAILABILITY else _LEAST_RELATIVE
        usual, scale = _level(reference, values, 1 if absent_is_zero else _FEWEST_REFERENCE, least)
        usual = np.where(~np.isfinite(usual) & absent_is_zero, 0.0, usual)
        length = _median_length(window.shape[1], reference.shape[1])
        scale = np.fmax(np.fmax(scale, _excursions(reference, usual, length)), panel.signal.least)
        nearer = _nearer(reference, window.shape[1], usual)
        return _scan(window, usual, nearer, scale, length, split, panel.signal.direction)


def _nearer(reference: Array, width: int, usual: Array) -> Array:
    """The level of the last samples of the baseline, as many as the window has, [N].

    A baseline may reach back to other days. What has been so since before the window began is no change in it.
    """
    last = reference[:, max(reference.shape[1] - max(width, 1), 0) :]
    enough = np.isfinite(last).sum(axis=1) >= _FEWEST_REFERENCE
    level = usual.copy()
    if enough.any():
        level[enough] = quantiles(last[enough], (0.5,))[0]
    return level


def _median_length(window: int, reference: int) -> int:
    return max(1, min(window, _LONGEST_MEDIAN, max(reference // 10, 1)))


def _level(reference: Array, values: Array, fewest: int, least: float) -> tuple[Array, Array]:
    """Usual level and scale of each row, [N] each; NaN where the baseline has less than ``fewest`` samples.

    The scale is ``least`` of the usual level at least.
    """
    enough = np.isfinite(reference).sum(axis=1) >= fewest
    usual = np.full(len(reference), np.nan)
    scale = np.full(len(reference), np.nan)
    if enough.any():
        known = reference[enough]
        q05, q25, q50, q75, q95 = quantiles(known, (0.05, 0.25, 0.5, 0.75, 0.95))
        mad = quantiles(np.abs(known - q50[:, None]), (0.5,))[0]
        usual[enough] = q50
        scale[enough] = np.maximum.reduce(
            [_MAD_TO_SIGMA * mad, (q75 - q25) / _IQR_TO_SIGMA, (q95 - q05) / _Q90_TO_SIGMA]
        )
    largest = np.nanmax(np.abs(values), axis=1, initial=0.0, where=np.isfinite(values))
    floor = np.maximum(least * np.abs(np.nan_to_num(usual)), _LEAST_OF_MAXIMUM * largest)
    return usual, np.fmax(scale, floor)


def _excursions(reference: Array, usual: Array, length: int) -> Array:
    """The scale at which the baseline's own excursions are as rare as the tail says, [N]; 0 where it is too short.

    Quantiles of single samples know nothing of series that wander off for minutes every now and then: seen by the same
    running median, such a series has to go further than usual to count.
    """
    if reference.shape[1] < 2 * length or not len(reference):
        return np.zeros(len(reference))
    smooth = running_median(_fill_forward(reference, usual), length)
    away = np.abs(smooth - usual[:, None])
    return np.asarray(quantiles(away, (1.0 - _RARE,))[0] / _RARE_T, dtype=np.float64)


def _scan(
    window: Array, usual: Array, nearer: Array, scale: Array, length: int, split: int, direction: Direction
) -> Deviations:
    rows, width = window.shape
    if width == 0:
        return Deviations.none(rows)
    filled = _fill_forward(window, usual)
    smooth = running_median(filled, length)
    with np.errstate(divide="ignore", invalid="ignore"):
        far, near = ((smooth - level[:, None]) / scale[:, None] for level in (usual, nearer))
        shift = np.where(far * near > 0.0, np.where(np.abs(near) < np.abs(far), near, far), 0.0)
    shift = np.nan_to_num(shift, nan=0.0, posinf=0.0, neginf=0.0)
    peak, up = _peak(shift, direction)
    index = np.arange(rows)
    z = np.abs(shift[index, peak])
    beyond = _beyond(filled, usual, smooth[index, peak])
    return Deviations(
        nats=nats_of(z),
        up=up,
        onset=np.where(z > 0, _onset(beyond, peak + length - 1) + split, -1),
        until=np.where(z > 0, _until(beyond, split), -1),
        usual=usual,
        extreme=smooth[index, peak],
    )


def _fill_forward(window: Array, usual: Array) -> Array:
    """Missing samples repeat the last one; before the first, the usual level."""
    padded = np.column_stack([usual, window])
    known = np.where(np.isfinite(padded), np.arange(padded.shape[1])[None, :], 0)
    latest = np.maximum.accumulate(known, axis=1)
    return np.asarray(np.take_along_axis(padded, latest, axis=1)[:, 1:], dtype=np.float64)


def _peak(shift: Array, direction: Direction) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Strongest position per row. The bad direction is preferred unless the other is far stronger (3 x)."""
    rows = np.arange(len(shift))
    high, low = shift.argmax(axis=1), shift.argmin(axis=1)
    rise, fall = np.maximum(shift[rows, high], 0.0), np.maximum(-shift[rows, low], 0.0)
    favour = {Direction.UP: (3.0, 1.0), Direction.DOWN: (1.0, 3.0), Direction.BOTH: (1.0, 1.0)}[direction]
    up = rise * favour[0] >= fall * favour[1]
    return np.where(up, high, low), up


def _beyond(filled: Array, usual: Array, extreme: Array) -> NDArray[np.bool_]:
    """Which samples are nearer to the extreme than to the usual level, [N, W]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((filled - usual[:, None]) / (extreme - usual)[:, None] >= 0.5, dtype=np.bool_)


def _onset(beyond: NDArray[np.bool_], peak: NDArray[np.int64]) -> NDArray[np.int64]:
    """First sample of the run that leads to the peak.

    Single samples inside the run may fall back; the run starts after the last two in a row that do.
    """
    rows, width = beyond.shape
    bridged = beyond | np.pad(beyond, ((0, 0), (0, 1)))[:, 1:]
    position = np.arange(width)[None, :]
    quiet = np.where(~bridged & (position <= peak[:, None]), position, -1).max(axis=1)
    first = np.minimum(quiet + 1, peak)
    first += ~beyond[np.arange(rows), first]  # the bridge may have begun one sample early
    return np.asarray(np.minimum(first, width - 1), dtype=np.int64)


def _until(beyond: NDArray[np.bool_], split: int) -> NDArray[np.int64]:
    """First sample after the last one that is beyond; -1 where that is among the last few, and may come again."""
    width = beyond.shape[1]
    after = width - beyond[:, ::-1].argmax(axis=1)
    return np.where(after <= width - _QUIET, after + split, -1)
