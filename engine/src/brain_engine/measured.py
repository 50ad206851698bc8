"""Which samples count as measured; called by whatever computes with panels."""

from __future__ import annotations

import numpy as np

from brain_engine.series import Array

_LARGEST = 1e75  # no quantity in any base unit comes near; products and squares of it stay finite


def measured(values: Array) -> Array:
    """``values`` with NaN for what nobody can have measured: infinities and absurd sizes."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) <= _LARGEST, values, np.nan)
