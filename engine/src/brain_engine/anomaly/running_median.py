"""The median of each few neighbouring samples, for all series at once.

Called by ``robust_shift`` for thousands of series a judgement. A sorting network compares whole columns of samples,
which is several times faster than sorting each few samples for themselves, and the result is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from brain_engine.series import Array

# Samples at a time, 128 KiB: the columns of larger blocks do not stay in the processor's cache, and allocators return
# them to the system after each comparison.
_BLOCK = 16_000


def running_median(rows: Array, length: int) -> Array:
    """Medians of ``length`` neighbours, [N, T - length + 1]; NaN where one of them is NaN.

    Args:
        rows: [N, T].
        length: From 1 to T.
    """
    medians = np.empty((len(rows), rows.shape[1] - length + 1))
    block = max(_BLOCK // max(medians.shape[1], 1), 1)
    for start in range(0, len(rows), block):
        medians[start : start + block] = _of_block(rows[start : start + block], length)
    return medians


def _of_block(rows: Array, length: int) -> Array:
    width = rows.shape[1] - length + 1
    columns = [rows[:, place : place + width] for place in range(length)]
    for low, high, lesser, greater in _network(length):
        below, above = columns[low], columns[high]
        if lesser:
            columns[low] = np.minimum(below, above)
        if greater:
            columns[high] = np.maximum(below, above)
    return np.asarray((columns[(length - 1) // 2] + columns[length // 2]) / 2.0, dtype=np.float64)


@lru_cache(maxsize=32)
def _network(length: int) -> tuple[tuple[int, int, bool, bool], ...]:
    """The comparisons that the middle places depend on, in order: the two places, and of which of them the result is
    looked at later on."""
    wanted = {(length - 1) // 2, length // 2}
    needed = []
    for low, high in reversed(list(_comparisons(length))):
        if low in wanted or high in wanted:
            needed.append((low, high, low in wanted, high in wanted))
            wanted |= {low, high}
    return tuple(reversed(needed))


def _comparisons(length: int) -> Iterator[tuple[int, int]]:
    """Batcher's merge exchange: pairs of places that, compared and exchanged in this order, sort any values.

    Source: Knuth, The Art of Computer Programming, volume 3, algorithm 5.2.2M.
    """
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
