"""Figures in words, as the page shows them."""

from __future__ import annotations

from typing import Final

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_lab.evaluate.scores import Figure

DASH: Final = "–"
LONGEST: Final = 160  # characters of a text that came from a run


def percent(value: float | None) -> str:
    """`67 %`; a dash where nothing was measured."""
    return DASH if value is None else f"{value * 100:.0f} %"


def share(figure: Figure | None) -> str:
    """`67 %`."""
    return percent(figure.value if figure else None)


def span(figure: Figure | None) -> str:
    """The 95 % interval of a share: `58 to 75 %`."""
    return DASH if figure is None else f"{figure.low * 100:.0f} to {figure.high * 100:.0f} %"


def count(figure: Figure | None) -> str:
    """`2/3`: of how many."""
    return DASH if figure is None else f"{round(figure.value * figure.runs)}/{figure.runs}"


def seconds(value: float | None) -> str:
    """`85 s`, `12 min`."""
    if value is None:
        return DASH
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min"


def samples(value: float | None) -> str:
    """`1.5 samples`."""
    return DASH if value is None else f"{value:.1f} samples"


def lasted(figure: Figure | None) -> str:
    """The mean of times."""
    return seconds(figure.value if figure else None)


def lasted_span(figure: Figure | None) -> str:
    """Its 95 % interval."""
    return DASH if figure is None else f"{seconds(figure.low)} to {seconds(figure.high)}"


def short(entity: str) -> str:
    """Kind and name of an entity; what is none as it stands."""
    try:
        parsed = Entity.parse(entity)
    except InputError:
        return clip(entity)
    return clip(f"{parsed.kind} {parsed.name}")


def clip(text: str) -> str:
    """At most so many printable characters."""
    shown = "".join(letter for letter in text if letter.isprintable())
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
