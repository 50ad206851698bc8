"""The geometry of an evidence plot; the template only writes it down as SVG.

Horizontal positions are percentages and vertical ones pixels, so that a plot fills whatever width it is given
while its text keeps its size. The line itself lives in a box of ``WIDTH`` x ``HEIGHT`` units that the browser
stretches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from brain_rca.model import Plot
from brain_rca.page.moments import utc
from brain_rca.page.units import Scale, quantity, scale_for

WIDTH = 1000  # of the line's own coordinates; whole numbers keep the page small
HEIGHT = 400
PIXELS = 96  # how high the plot is drawn
MAX_POINTS = 240  # about one a pixel in the page's layout
LIMIT = 1e15  # of the units' ladders; beyond it there is no sensible axis
_X_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_DAY = 86400

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: ``at`` in percent (x) or pixels (y)."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template writes; positions as the module says, None for what is not drawn."""

    title: str
    unit: str
    path: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    baseline: Tick | None
    onset: Tick | None
    until: Tick | None
    window: tuple[float, float] | None  # left edge and width
    peak: str
    spoken: str  # what a screen reader says instead


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def percent(self, value: float) -> float:
        return round(100 * self.share(value), 2)

    def pixels(self, value: float) -> float:
        return round(PIXELS * (1 - self.share(value)), 1)


def draw(
    plot: Plot, onset: float | None, window: tuple[float, float], direction: str = "up", until: float | None = None
) -> Drawing | None:
    """Lay out ``plot``; None when it has fewer than two points to show.

    Args:
        plot: What to draw; unsorted times, gaps and numbers that are not finite are tolerated.
        onset: Where the deviation began, seconds since the epoch.
        window: Start and end of what was searched for an onset, seconds since the epoch.
        direction: ``up`` or ``down``: which extreme the caption names.
        until: When the deviation was over, seconds since the epoch.
    """
    points = _usable(plot)
    known = [point for point in points if not math.isnan(point[1])]
    if len(known) < 2 or known[0][0] == known[-1][0]:
        return None
    x = _Axis(points[0][0], points[-1][0])
    baseline = plot.baseline if plot.baseline is not None and _sane(plot.baseline) else None
    values = [value for _, value in known] + ([] if baseline is None else [baseline])
    y, step = _value_axis(min(values), max(values), plot.unit)
    extreme = (min if direction == "down" else max)(value for _, value in known)
    peak = f"{'lowest' if direction == 'down' else 'highest'} single value {quantity(extreme, plot.unit)}"
    return Drawing(
        title=plot.title,
        unit=plot.unit,
        path=_path(_thinned(points, x), x, y),
        x_ticks=tuple(_time_ticks(x)),
        y_ticks=tuple(_value_ticks(y, step, plot.unit)),
        baseline=None if baseline is None else Tick(y.pixels(baseline), f"usual {quantity(baseline, plot.unit)}"),
        onset=_mark("began", onset, x),
        until=_mark("over", until, x),
        window=_shade(window, x),
        peak=peak,
        spoken=_spoken(plot, baseline, {"began": onset, "over": until}, peak),
    )


def _usable(plot: Plot) -> list[Point]:
    """Points in order of time; a missing value is NaN, which breaks the line."""
    points = [
        (at, value if value is not None and -LIMIT <= value <= LIMIT else math.nan)
        for at, value in zip(plot.times, plot.values, strict=False)
        if -LIMIT <= at <= LIMIT
    ]
    points.sort(key=itemgetter(0))
    return points


def _sane(value: float) -> bool:
    return abs(value) <= LIMIT  # False for NaN as well


def _value_axis(low: float, high: float, unit: str) -> tuple[_Axis, float]:
    """An axis that ends on round numbers, from zero unless that flattens the line, and its tick distance."""
    if low > 0 and low < 0.6 * high:
        low = 0.0
    if high < 0 and high > 0.6 * low:
        high = 0.0
    if high - low < 1e-6 * max(abs(high), abs(low), 1e-9):
        margin = 0.5 * max(abs(high), 1e-9)
        low, high = low - margin, high + margin
    factor = scale_for(unit, max(abs(low), abs(high))).factor
    step = _round_step((high - low) * factor / 2.5) / factor
    return _Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step), step


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(nice * power for nice in (1, 2, 2.5, 5, 10) if rough <= nice * power * (1 + 1e-9))


def _value_ticks(y: _Axis, step: float, unit: str) -> Iterator[Tick]:
    scale = scale_for(unit, max(abs(y.low), abs(y.high)))
    decimals = _decimals(step, scale)
    for index in range(round((y.high - y.low) / step) + 1):
        value = y.low + index * step
        yield Tick(y.pixels(value), scale.label(value, decimals))


def _decimals(step: float, scale: Scale) -> int:
    """As many as tell neighbouring ticks apart."""
    shown = step * scale.factor
    return next((digits for digits in range(6) if abs(round(shown, digits) - shown) < 1e-6 * shown), 6)


def _time_ticks(x: _Axis) -> Iterator[Tick]:
    """Up to five round times of day; from two days on, dates."""
    span = x.high - x.low
    step = next((step for step in _X_STEPS if span / step <= 5), _DAY * max(1, math.ceil(span / _DAY / 5)))
    layout = "%b %d" if step >= _DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
    first = math.ceil(x.low / step)
    for index in range(first, math.floor(x.high / step) + 1):
        yield Tick(x.percent(index * step), format(utc(index * step), layout))


def _mark(name: str, at: float | None, x: _Axis) -> Tick | None:
    if at is None or not x.low <= at <= x.high:
        return None
    return Tick(x.percent(at), f"{name} {utc(at):%H:%M:%S}")


def _shade(window: tuple[float, float], x: _Axis) -> tuple[float, float] | None:
    left, right = max(window[0], x.low), min(window[1], x.high)
    if not left < right:
        return None
    return x.percent(left), round(x.percent(right) - x.percent(left), 2)


def _thinned(points: Sequence[Point], x: _Axis) -> Iterable[Point]:
    """At most ``MAX_POINTS``: of each slice of time the lowest and the highest, so that no spike is lost."""
    if len(points) <= MAX_POINTS:
        return points
    slices: dict[int, list[Point]] = {}
    for point in points:
        slices.setdefault(int(x.share(point[0]) * (MAX_POINTS // 2 - 1)), []).append(point)
    return [kept for members in slices.values() for kept in _extremes(members)]


def _extremes(members: Sequence[Point]) -> Iterable[Point]:
    known = [point for point in members if not math.isnan(point[1])]
    if not known:
        return members[:1]
    ends = {min(known, key=lambda point: point[1]), max(known, key=lambda point: point[1])}
    return sorted(ends)


def _path(points: Iterable[Point], x: _Axis, y: _Axis) -> str:
    """SVG path data with relative whole numbers; a lone point becomes a dot."""
    right, up = WIDTH / (x.high - x.low), HEIGHT / (y.high - y.low)
    commands: list[str] = []
    last: tuple[int, int] | None = None
    for at, value in points:
        if math.isnan(value):
            last = None
            continue
        here = int((at - x.low) * right + 0.5), int((y.high - value) * up + 0.5)
        if last is None:
            commands.append(f"M{here[0]} {here[1]}h0")
        else:
            commands.append(f"l{here[0] - last[0]} {here[1] - last[1]}")
        last = here
    return "".join(commands)


def _spoken(plot: Plot, baseline: float | None, moments: Mapping[str, float | None], peak: str) -> str:
    parts = [plot.title, peak]
    if baseline is not None:
        parts.append(f"usual level {quantity(baseline, plot.unit)}")
    parts += [f"{name} {utc(at):%H:%M:%S} UTC" for name, at in moments.items() if at is not None and _sane(at)]
    return ", ".join(parts)
