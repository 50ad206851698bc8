"""Card numbers as PCI DSS 3.4.1 lets them be shown: the first six digits and the last four, never more.

The first six are BINs of the payment networks' published test cards. The middle is never made, not even to be
masked, so there is no card number that could leak.
"""

from __future__ import annotations

from typing import Final

import numpy as np

TEST_BINS: Final = ("411111", "401288", "555555", "510510", "222300", "601111")


def masked_pans(rng: np.random.Generator, count: int) -> list[str]:
    """Such as `411111******0042`."""
    bins = rng.integers(0, len(TEST_BINS), count).tolist()
    ends = rng.integers(0, 10_000, count).tolist()
    return [f"{TEST_BINS[one]}******{end:04d}" for one, end in zip(bins, ends, strict=True)]
