"""Student's t tail with three degrees of freedom, against a sum that does not cancel and against printed tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.anomaly.tail import nats_of


def tail(z: float) -> float:
    """P(T3 > z) = (1/pi) * sum_k (-1)^(k+1) * 2k/(2k+1) * u^(2k+1), with u = sqrt(3)/z < 1: an alternating series."""
    u = math.sqrt(3.0) / z
    terms = [(-1.0) ** (k + 1) * 2 * k / (2 * k + 1) * u ** (2 * k + 1) for k in range(1, 400)]
    return math.fsum(terms) / math.pi


def of(*z: float) -> list[float]:
    """Tail probabilities as the detector has them."""
    return [float(value) for value in np.exp(-nats_of(np.array(z))) / 2.0]


@pytest.mark.parametrize(
    ("z", "probability"),
    [
        (0.0, 0.5),
        (0.7648923, 0.25),
        (1.6377444, 0.1),
        (2.3533634, 0.05),
        (3.1824463, 0.025),
        (5.8409093, 0.005),
        (10.2145319, 0.001),
        (12.9239786, 0.0005),
    ],
)
def test_printed_quantiles(z: float, probability: float) -> None:
    assert of(z)[0] == pytest.approx(probability, rel=2e-7)


@given(st.floats(2.0, 1e6))
def test_right_to_a_millionth_everywhere(z: float) -> None:
    assert of(z)[0] == pytest.approx(tail(z), rel=1e-6)


@pytest.mark.parametrize("z", [29.9, 30.0, 30.1, 299.0, 300.0, 300.0000001, 301.0, 1999.0])
def test_right_on_both_sides_of_the_seam(z: float) -> None:
    assert of(z)[0] == pytest.approx(tail(z), rel=1e-8)


@given(st.lists(st.floats(0.0, 1e5), min_size=2, max_size=20))
def test_monotone(values: list[float]) -> None:
    nats = nats_of(np.array(sorted(values)))
    assert (np.diff(nats) >= -1e-8).all()


def test_no_deviation_is_no_evidence() -> None:
    assert nats_of(np.array([0.0])).tolist() == [0.0]
