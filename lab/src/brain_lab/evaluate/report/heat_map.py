"""Accuracy by fault and platform: a row for each fault, the hardest first, a column for each platform and for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brain_lab.evaluate.report.words import clip, count, percent, share
from brain_lab.evaluate.scores import Figure, Scores

LABEL_WIDTH: Final = 290  # pixels, as all here; room for two joined names
CELL_WIDTH: Final = 96
CELL_HEIGHT: Final = 30
GAP: Final = 3
HEAD: Final = 30
SPACE: Final = 18  # between the platforms and all of them
STRONG_FROM: Final = 0.8  # of the scale: text on it takes the colour of the paper
MIDDLE_FROM: Final = 0.6  # likewise, but only where the paper is dark: measured, so that all text has contrast
FAINTEST: Final = 0.07
STRONGEST: Final = 0.95


@dataclass(frozen=True, slots=True)
class Square:
    """One cell.

    Attributes:
        x, y: Its left upper corner.
        text: What stands in it.
        strength: Opacity of its colour; None where nothing was run.
        tone: Which text has contrast on it: `strong`, `middle` or empty.
        spoken: The same in words.
    """

    x: float
    y: float
    text: str
    strength: float | None
    tone: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Text:
    """A label."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Everything the template writes."""

    width: int
    height: int
    heads: tuple[Text, ...]
    labels: tuple[Text, ...]
    squares: tuple[Square, ...]


def heat_map(scores: Scores) -> HeatMap:
    """Of the share of runs in which the true cause came first; the last column is about the first three."""
    platforms = list(scores.by_platform)
    faults = sorted(scores.by_fault, key=lambda name: (_value(scores.by_fault[name].top1), name))
    cells = {(cell.platform, cell.fault): cell.group for cell in scores.by_both}
    columns = [*platforms, "all: first", "all: first three"]
    edges = [_left(place, len(platforms)) for place in range(len(columns))]
    squares = []
    for row, fault in enumerate(faults):
        y = HEAD + row * (CELL_HEIGHT + GAP)
        figures = [cells[platform, fault].top1 if (platform, fault) in cells else None for platform in platforms]
        squares += [_square(x, y, one, fault, name) for x, one, name in zip(edges, figures, platforms, strict=False)]
        group = scores.by_fault[fault]
        squares += [
            _square(edges[-2], y, group.top1, fault, "first", of_all=True),
            _square(edges[-1], y, group.top3, fault, "among the first three", of_all=True),
        ]
    return HeatMap(
        width=round(edges[-1] + CELL_WIDTH),
        height=HEAD + len(faults) * (CELL_HEIGHT + GAP),
        heads=_heads(edges, columns),
        labels=tuple(
            Text(LABEL_WIDTH - 12, HEAD + row * (CELL_HEIGHT + GAP) + CELL_HEIGHT / 2, clip(fault))
            for row, fault in enumerate(faults)
        ),
        squares=tuple(squares),
    )


def _left(place: int, platforms: int) -> float:
    return LABEL_WIDTH + place * (CELL_WIDTH + GAP) + (SPACE if place >= platforms else 0)


def _heads(edges: Sequence[float], columns: Sequence[str]) -> tuple[Text, ...]:
    return tuple(Text(x + CELL_WIDTH / 2, HEAD - 11, clip(name)) for x, name in zip(edges, columns, strict=True))


def _square(x: float, y: float, figure: Figure | None, fault: str, column: str, *, of_all: bool = False) -> Square:
    spoken = f"{fault}, {column}: {count(figure)} runs" if figure else f"{fault}, {column}: not run"
    return Square(
        x=x,
        y=y,
        text=share(figure) if of_all else count(figure),
        strength=FAINTEST + (STRONGEST - FAINTEST) * figure.value if figure else None,
        tone=_tone(figure.value if figure else 0.0),
        spoken=clip(f"{spoken}, {percent(figure.value)}" if figure else spoken),
    )


def _tone(value: float) -> str:
    if value >= STRONG_FROM:
        return "strong"
    return "middle" if value >= MIDDLE_FROM else ""


def _value(figure: Figure | None) -> float:
    return figure.value if figure else -1.0
