"""Whether a probability means what it says: reliability bins, Brier score, expected calibration error.

Brier, "Verification of forecasts expressed in terms of probability" (1950): the mean squared difference between
forecast and outcome. Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017): the expected calibration
error, the mean distance of forecast and share of right ones over equally wide bins, weighted by how many forecasts
fell into each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from brain_lab.evaluate.intervals import wilson
from brain_lab.evaluate.marks import Said

BINS: Final = 10


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts between two probabilities.

    Attributes:
        low: Lower end, included.
        high: Upper end; only the last bin includes it.
        count: How many.
        said: Their mean.
        right: Share of those that came true.
        right_low: Lower end of its 95 % interval.
        right_high: Upper end.
    """

    low: float
    high: float
    count: int
    said: float
    right: float
    right_low: float
    right_high: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How good the probabilities of a set of forecasts are.

    Attributes:
        count: How many forecasts.
        brier: 0 is perfect, 0.25 is what always saying one half gets; None without forecasts.
        ece: 0 is perfect; None without forecasts.
        bins: Those that are not empty, ascending.
    """

    count: int
    brier: float | None
    ece: float | None
    bins: tuple[Bin, ...]


def calibration(forecasts: Sequence[Said]) -> Calibration:
    """Of the first things that were said."""
    if not forecasts:
        return Calibration(count=0, brier=None, ece=None, bins=())
    count = len(forecasts)
    by_bin: dict[int, list[Said]] = {}
    for said in forecasts:
        by_bin.setdefault(min(int(said.probability * BINS), BINS - 1), []).append(said)
    bins = tuple(_bin(place, members) for place, members in sorted(by_bin.items()))
    return Calibration(
        count=count,
        brier=sum((said.probability - said.right) ** 2 for said in forecasts) / count,
        ece=sum(one.count * abs(one.said - one.right) for one in bins) / count,
        bins=bins,
    )


def _bin(place: int, members: Sequence[Said]) -> Bin:
    right = wilson(sum(said.right for said in members), len(members))
    return Bin(
        low=place / BINS,
        high=(place + 1) / BINS,
        count=len(members),
        said=sum(said.probability for said in members) / len(members),
        right=right.value,
        right_low=right.low,
        right_high=right.high,
    )
