"""Instances counted on the time grid: how often each row had a hit, of how many trials, in each step.

Rows are ragged in number and may be many, so that only those that have hits in the window become dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.anomaly.share_shift import LEAST_RATIO
from brain_engine.flow.visits import Rows
from brain_engine.series import Array

MOST_ROWS: Final = 20_000
_FEWEST: Final = 2.0  # hits in the window, below which nothing can be said about a row


@dataclass(frozen=True, slots=True)
class Counted:
    """R rows.

    Attributes:
        rows: [R] numbers of the rows that became dense, ascending.
        hits: [R, T] how often, in the step that begins at each time.
        trials: [R, T] of how many chances.
        tests: How many rows could deviate at all, dense or not. Only they pay for the search (Tarone, Biometrics 1990):
            what happens nearly always cannot become more frequent, and what happened once proves nothing.
    """

    rows: Rows
    hits: Array
    trials: Array
    tests: int


def steps_at(times: Array, at: NDArray[np.float64]) -> Rows:
    """The step of the grid in which each moment lies, -1 outside; a step ends where the next begins."""
    place = np.searchsorted(times, at, side="right") - 1
    usual = float(np.median(np.diff(times))) if len(times) > 1 else np.inf
    inside = (place >= 0) & (at - times[np.maximum(place, 0)] < usual * (1.0 + 1e-9))
    return np.where(inside, place, -1)


def counted(row: Rows, chance: Rows, hit: NDArray[np.bool_], step: Rows, width: int, split: int) -> Counted:
    """Count instances.

    Args:
        row: [K] which row each instance is a hit of, if it is one.
        chance: [K] what each instance is a chance of; the trials of a row are all instances with the same number.
        hit: [K] whether it is a hit.
        step: [K] in [0, width).
        width: Steps of the grid.
        split: The first step of the window.
    """
    late = hit & (step >= split)
    names, first, index, recent = np.unique(row, return_index=True, return_inverse=True, return_counts=True)
    recent = np.bincount(np.ravel(index)[late], minlength=len(names))
    dense = np.flatnonzero(recent >= _FEWEST)
    dense = np.sort(dense[np.argsort(-recent[dense], kind="stable")][:MOST_ROWS])
    place = np.full(len(names), -1)
    place[dense] = np.arange(len(dense))
    mine = place[np.ravel(index)]
    hits = _table(mine, hit & (mine >= 0), step, len(dense), width)
    groups, group = np.unique(chance, return_inverse=True)
    wanted, back = np.unique(np.ravel(group)[first[dense]], return_inverse=True)
    slot = np.full(len(groups), -1)
    slot[wanted] = np.arange(len(wanted))
    theirs = slot[np.ravel(group)]
    trials = _table(theirs, theirs >= 0, step, len(wanted), width)[np.ravel(back)]
    tests = _tests(np.ravel(index), np.ravel(group), first, hit, step >= split)
    return Counted(names[dense], hits, trials, tests)


def _tests(row: Rows, group: Rows, first: Rows, hit: NDArray[np.bool_], late: NDArray[np.bool_]) -> int:
    """Rows with enough hits, had all of them been in the window, and with room above the share of the baseline."""
    total, before = np.bincount(row, hit), np.bincount(row, hit & ~late)
    of_row = group[first]
    chances, recent = np.bincount(group, ~late)[of_row], np.bincount(group, late)[of_row]
    return int(((total >= _FEWEST) & (recent > 0) & (LEAST_RATIO * before <= chances)).sum())


def _table(row: Rows, chosen: NDArray[np.bool_], step: Rows, rows: int, width: int) -> Array:
    flat = row[chosen] * width + step[chosen]
    return np.asarray(np.bincount(flat, minlength=rows * width).reshape(rows, width), dtype=np.float64)
