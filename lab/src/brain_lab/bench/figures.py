"""What a bench reports: numbers by name, and the bars they are held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

Progress = Callable[[str], None]
"""Called with one line of what goes on."""


class Bar(msgspec.Struct, frozen=True):
    """What a figure is held against; ``bar`` is in words, e.g. ``<= 0.25``."""

    figure: str  # its name, with dots: answer_seconds.p99
    value: float
    bar: str
    met: bool


def at_most(figure: str, value: float, bar: float) -> Bar:
    """A figure that is better the less it is."""
    return Bar(figure, value, f"<= {bar:g}", value <= bar)


def at_least(figure: str, value: float, bar: float) -> Bar:
    """A figure that is better the more it is."""
    return Bar(figure, value, f">= {bar:g}", value >= bar)


def exactly(figure: str, value: int, bar: int) -> Bar:
    """A count with one right value."""
    return Bar(figure, value, f"= {bar}", value == bar)


def quantiles(values: Sequence[float], percents: Sequence[int]) -> dict[str, float]:
    """``{"p50": …}`` by nearest rank: every one of them is a value that was measured.

    Raises:
        ValueError: Nothing was measured.
    """
    if not values:
        raise ValueError("no values to take quantiles of")
    ordered = sorted(values)
    return {f"p{percent}": ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1] for percent in percents}
