"""The reliability diagram: of what was said with a probability, the share that was so; on the diagonal it means it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from brain_lab.evaluate.calibration import Bin, Calibration
from brain_lab.evaluate.report.words import percent

LEFT: Final = 46  # pixels, as all here
TOP: Final = 12
SIDE: Final = 280
BOTTOM: Final = 44
RIGHT: Final = 14
LARGEST: Final = 13.0  # radius of the fullest bin's dot
SMALLEST: Final = 3.5


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin: where, how large, its interval, and in words."""

    x: float
    y: float
    radius: float
    low: float
    high: float
    spoken: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick on both axes."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """Everything the template writes."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]


def reliability(found: Calibration) -> Reliability:
    """The picture; without dots where nothing was said."""
    fullest = max((one.count for one in found.bins), default=1)
    return Reliability(
        width=LEFT + SIDE + RIGHT,
        height=TOP + SIDE + BOTTOM,
        left=LEFT,
        right=LEFT + SIDE,
        top=TOP,
        bottom=TOP + SIDE,
        dots=tuple(_dot(one, fullest) for one in found.bins),
        marks=tuple(Mark(_x(part / 4), _y(part / 4), f"{25 * part}") for part in range(5)),
    )


def _dot(one: Bin, fullest: int) -> Dot:
    return Dot(
        x=_x(one.said),
        y=_y(one.right),
        radius=max(SMALLEST, LARGEST * math.sqrt(one.count / fullest)),
        low=_y(one.right_low),
        high=_y(one.right_high),
        spoken=f"{one.count} answers with {percent(one.said)} in the mean: {percent(one.right)} right",
    )


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1.0 - value), 1)
