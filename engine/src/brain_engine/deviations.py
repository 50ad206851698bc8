"""What a detector says: how far each series of a panel left its usual level, when, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from brain_engine.series import Array, Evidence, Panel


@dataclass(frozen=True, slots=True)
class Deviations:
    """One row per series of a panel, [N] each.

    Attributes:
        nats: Evidence against "nothing changed" in nats (natural units of log-likelihood), >= 0.
        up: Whether the series went up.
        onset: Index into ``Evidence.times`` of the first deviating sample; -1 where there is none.
        until: Index of the first sample after the last deviating one; -1 where it lasts, or cannot be told.
        usual: The level of the baseline, in the signal's unit; NaN where unknown.
        extreme: The level at the strongest deviation, in the signal's unit; NaN where unknown.
    """

    nats: Array
    up: NDArray[np.bool_]
    onset: NDArray[np.int64]
    until: NDArray[np.int64]
    usual: Array
    extreme: Array

    @classmethod
    def none(cls, rows: int) -> Self:
        """Of series of which nothing can be said."""
        unknown, never = np.full(rows, np.nan), np.full(rows, -1)
        return cls(np.zeros(rows), np.ones(rows, bool), never, never, unknown, unknown)


class Detector(Protocol):
    """Scores all series of a panel at once.

    A high score is an anomaly. Constant, missing and NaN series score 0.
    """

    name: str

    def deviations(self, evidence: Evidence, panel: Panel) -> Deviations: ...
