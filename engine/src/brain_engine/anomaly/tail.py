"""One scale for all evidence: how unlikely a distance from the usual is, in nats.

The tail is Student's t with 3 degrees of freedom: evidence grows with the logarithm of the distance, and a deviation
of 1,000 scales does not bury one of 100.
"""

from __future__ import annotations

import numpy as np

from brain_engine.series import Array

_SERIES_FROM = 300.0  # scales beyond which the tail is computed by its series


def nats_of(z: Array) -> Array:
    """-ln P(T3 > z) + ln P(T3 > 0): Student's t tail with 3 degrees of freedom in closed form."""
    root3 = np.sqrt(3.0)
    # For large z the closed form cancels; its series 2 * sqrt(3) / (pi * z**3) * (1 - 18 / (5 z**2)) does not. At the
    # seam both are right to nine digits.
    large = z > _SERIES_FROM
    safe = np.where(large, _SERIES_FROM, z)
    tail = (np.arctan2(root3, safe) - (safe / root3) / (1.0 + safe**2 / 3.0)) / np.pi
    wide = np.where(large, z, _SERIES_FROM)
    series = 2.0 * root3 / (np.pi * wide**3) * (1.0 - 18.0 / (5.0 * wide**2))
    return np.asarray(np.maximum(-np.log(2.0 * np.where(large, series, tail)), 0.0), dtype=np.float64)
