"""Numbers as people say them."""

from __future__ import annotations

import math

import pytest

from brain_rca.page.units import percent, plain_number, quantity, scale_for


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0421, "seconds", "42.1 ms"),
        (0.0000005, "seconds", "500 ns"),
        (1.83, "seconds", "1.83 s"),
        (90, "seconds", "90 s"),
        (7500, "seconds", "2.08 h"),
        (0, "seconds", "0 s"),
        (512, "bytes", "512 B"),
        (3.1e8, "bytes", "296 MiB"),
        (2048, "bytes/s", "2 KiB/s"),
        (0.125, "ratio", "12.5 %"),
        (64, "percent", "64 %"),
        (1250, "requests/s", "1250 requests/s"),
        (125000, "requests/s", "125 k requests/s"),
        (0.25, "cores", "0.25 cores"),
        (3, "", "3"),
        (12_000_000, "count", "12 M"),
        (-0.004, "seconds", "−4 ms"),
        (math.nan, "seconds", "no number"),
    ],
)
def test_a_quantity_is_said_in_a_unit_of_its_size(value: float, unit: str, said: str) -> None:
    assert quantity(value, unit).replace("\N{NARROW NO-BREAK SPACE}", " ") == said


def test_an_endless_unit_is_cut() -> None:
    assert len(quantity(1.0, "u" * 500 + "/" + "p" * 500)) < 40
    assert len(scale_for("x/" + "p" * 500, 1.0).suffix) < 10


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (0.00123, "0.00123"), (9.996, "10"), (1e12, "1000000000000")])
def test_a_number_has_no_exponent(value: float, said: str) -> None:
    assert plain_number(value) == said


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.82, "82 %"),
        (0, "0 %"),
        (0.002, "< 1 %"),
        (0.9991, "> 99 %"),
        (1, "100 %"),
        (7, "100 %"),
        (math.nan, "unknown"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(probability: float, said: str) -> None:
    assert percent(probability).replace("\N{NO-BREAK SPACE}", " ") == said
