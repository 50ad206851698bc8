"""The median of each few neighbouring samples, for all series at once.

Called by ``robust_shift`` for thousands of series a judgement. A sorting network compares whole columns of samples,
which is several times faster than sorting each few samples for themselves, and the result is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from brain_engine.series import Array


def running_median(rows: Array, length: int) -> Array:
    """Medians of ``length`` neighbours, [N, T - length + 1]; NaN where one of them is NaN.

    Args:
        rows: [N, T].
        length: From 1 to T.
    """
    width = rows.shape[1] - length + 1
    columns = [rows[:, place : place + width] for place in range(length)]
    for low, high in _network(length):
        columns[low], columns[high] = (
            np.minimum(columns[low], columns[high]),
            np.maximum(columns[low], columns[high]),
        )
    below, above = columns[(length - 1) // 2], columns[length // 2]
    return np.asarray((below + above) / 2.0, dtype=np.float64)


@lru_cache(maxsize=32)
def _network(length: int) -> tuple[tuple[int, int], ...]:
    """Batcher's merge exchange: pairs of places that, compared and exchanged in this order, sort any values.

    Source: Knuth, The Art of Computer Programming, volume 3, algorithm 5.2.2M.
    """
    return tuple(_comparisons(length))


def _comparisons(length: int) -> Iterator[tuple[int, int]]:
    largest = 1 << max((length - 1).bit_length() - 1, 0)
    step = largest
    while step > 0:
        stride, remainder, distance = largest, 0, step
        while True:
            yield from ((place, place + distance) for place in range(length - distance) if place & step == remainder)
            if stride == step:
                break
            distance, stride, remainder = stride - step, stride // 2, step
        step //= 2
