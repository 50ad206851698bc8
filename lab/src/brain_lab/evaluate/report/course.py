"""How soon: the share of runs with a fault that were noticed, and localised, within a time after the onset.

Drawn as steps that end below 100 %: a run that was never localised stays outside, so no picture looks better for having
missed the hard ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from brain_lab.evaluate.marks import detected_after, localised_after
from brain_lab.evaluate.report.words import percent
from brain_lab.evaluate.run_result import RunResult

LEFT: Final = 46  # pixels, as all here
TOP: Final = 12
WIDE: Final = 480
HIGH: Final = 280
BOTTOM: Final = 44
RIGHT: Final = 192
LINE: Final = 17.0  # distance of two labels
STEPS: Final = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
MOST_TICKS: Final = 7

_CURVES: Final[tuple[tuple[str, str, Callable[[RunResult], float | None]], ...]] = (
    ("alert", "first alert", detected_after),
    ("three", "cause in the first three", lambda run: localised_after(run, 3)),
    ("one", "cause first", lambda run: localised_after(run, 1)),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """One of the three lines, with its label at the right end."""

    name: str
    path: str
    label: str
    label_y: float
    end_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """On an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Course:
    """Everything the template writes."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def course(runs: Sequence[RunResult]) -> Course | None:
    """Of the runs with a fault; None where nothing was noticed in any."""
    faulty = [run for run in runs if run.fault is not None and not run.error]
    times = {name: sorted(t for run in faulty if (t := measure(run)) is not None) for name, _, measure in _CURVES}
    latest = max((part[-1] for part in times.values() if part), default=0.0)
    if latest <= 0.0:
        return None
    step = next((one for one in STEPS if latest / one <= MOST_TICKS - 1), STEPS[-1])
    end = step * math.ceil(latest / step)
    drawn = [_curve(name, label, times[name], len(faulty), end) for name, label, _ in _CURVES]
    return Course(
        width=LEFT + WIDE + RIGHT,
        height=TOP + HIGH + BOTTOM,
        left=LEFT,
        right=LEFT + WIDE,
        top=TOP,
        bottom=TOP + HIGH,
        curves=_spread(drawn),
        x_ticks=tuple(Tick(_x(at, end), _moment(at)) for at in range(0, int(end) + 1, step)),
        y_ticks=tuple(Tick(_y(part / 4), f"{25 * part}") for part in range(5)),
    )


def _moment(at: int) -> str:
    if not at:
        return "0"
    return f"{at} s" if at < 60 else f"{at / 60:g} min"


def _curve(name: str, label: str, times: Sequence[float], of: int, end: float) -> Curve:
    path = [f"M{_x(0.0, end)} {_y(0.0)}"]
    for place, time in enumerate(times, start=1):
        path.append(f"H{_x(time, end)}V{_y(place / of)}")
    share = len(times) / of
    path.append(f"H{_x(end, end)}")
    return Curve(name, "".join(path), f"{label}: {percent(share)}", _y(share), _y(share))


def _spread(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """Labels of lines that end near each other, moved apart: down from the highest, all within the picture."""
    placed: list[Curve] = []
    below = TOP + 6.0
    for curve in sorted(curves, key=lambda curve: curve.end_y):
        at = max(curve.end_y, below)
        placed.append(Curve(curve.name, curve.path, curve.label, round(at, 1), curve.end_y))
        below = at + LINE
    return tuple(placed)


def _x(time: float, end: float) -> float:
    return round(LEFT + WIDE * time / end, 1)


def _y(share: float) -> float:
    return round(TOP + HIGH * (1.0 - share), 1)
