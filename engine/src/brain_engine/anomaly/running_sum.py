"""The sum of each few neighbouring samples, for all series at once."""

from __future__ import annotations

import numpy as np

from brain_engine.series import Array


def running_sum(rows: Array, length: int) -> Array:
    """Sums of ``length`` neighbours, [N, T - length + 1].

    Args:
        rows: [N, T], finite.
        length: From 1 to T.
    """
    total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    return np.asarray(total[:, length:] - total[:, :-length], dtype=np.float64)
