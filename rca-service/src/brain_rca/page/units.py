"""Numbers as people say them: 1.8 s, 512 MiB, 12.5 %, 1.2 k/s.

Used by the plots (one scale for all ticks of an axis) and by the captions. Knows the base units of the signal
catalogue; an unknown unit is shown as it is, with a decimal prefix on the number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from brain_rca.page.text import clip

MAX_UNIT = 24  # characters; longer ones are no units but accidents
MAX_PER = 6  # of what follows the slash: all that fits beside an axis
_TIME = (
    (1e-9, "ns"),
    (1e-6, "µs"),
    (1e-3, "ms"),
    (1.0, "s"),
    (60.0, "min"),
    (3600.0, "h"),
    (86400.0, "d"),
)
_BINARY = tuple((1024.0**power, name) for power, name in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB")))
_DECIMAL = tuple((1000.0**power, name) for power, name in enumerate(("", "k", "M", "G", "T", "P")))


@dataclass(frozen=True, slots=True)
class Scale:
    """How to show values of one magnitude.

    Attributes:
        factor: A value of the base unit times this is the number to show.
        suffix: What follows the number on an axis, short: ``ms``, ``%``, ``k/s``; may be empty.
        noun: The rest of the unit, for running text only: ``requests/s``, ``cores``; may be empty.
    """

    factor: float
    suffix: str
    noun: str = ""

    def label(self, value: float, decimals: int) -> str:
        """``value`` (base unit) on an axis, with a fixed number of decimals."""
        number = f"{value * self.factor:.{decimals}f}"
        return _joined("0" if float(number) == 0 else number.replace("-", "\N{MINUS SIGN}"), self.suffix)


def scale_for(unit: str, magnitude: float) -> Scale:
    """The scale in which ``magnitude`` (absolute, in ``unit``) is a number of one to four digits."""
    base, _, per = clip(unit, MAX_UNIT).partition("/")
    suffix = f"/{clip(per, MAX_PER)}" if per else ""
    if base in ("ratio", "percent"):
        return Scale(100.0 if base == "ratio" else 1.0, "%" + suffix)
    if base == "seconds":
        divisor, name = _step(_TIME, magnitude, slack=2.0)
        return Scale(1 / divisor, name + suffix)
    if base == "bytes":
        divisor, name = _step(_BINARY, magnitude)
        return Scale(1 / divisor, name + suffix)
    divisor, name = _step(_DECIMAL, magnitude, slack=10.0)
    return Scale(1 / divisor, name + suffix, noun=base if base not in ("", "count", "1") else "")


def quantity(value: float, unit: str) -> str:
    """``value`` in running text, with three significant digits: ``1.8 s``, ``1.2 k requests/s``."""
    if not math.isfinite(value):
        return "no number"
    scale = scale_for(unit, abs(value))
    text = plain_number(value * scale.factor)
    prefix, slash, per = scale.suffix.partition("/")
    return _joined(_joined(text, prefix), scale.noun + slash + per if scale.noun else slash + per)


def plain_number(value: float) -> str:
    """Three significant digits, never with an exponent, with a real minus sign."""
    if abs(value) >= 100:
        text = f"{value:.0f}"
    elif abs(value) < 1e-4:
        text = "0"
    else:
        text = f"{value:.{2 - math.floor(math.log10(abs(value)))}f}".rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}")


def percent(probability: float) -> str:
    """``82 %``, with a no-break space; never rounded up to certainty or down to impossibility."""
    if not math.isfinite(probability):
        return "unknown"
    whole = round(100 * min(max(probability, 0.0), 1.0))
    if whole == 0 and probability > 0:
        return "<\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}%"
    if whole == 100 and probability < 1:
        return ">\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%"
    return f"{whole}\N{NO-BREAK SPACE}%"


def _step(ladder: tuple[tuple[float, str], ...], magnitude: float, slack: float = 1.0) -> tuple[float, str]:
    """The largest rung not above ``magnitude``; those above the base from ``slack`` times their size on."""
    fitting = [(size, name) for size, name in ladder if magnitude >= size * (slack if size > 1 else 1.0)]
    if fitting:
        return fitting[-1]
    return ladder[0] if magnitude > 0 else next(rung for rung in ladder if rung[0] == 1.0)


def _joined(number: str, suffix: str) -> str:
    """A narrow no-break space keeps number and unit together; a rate's slash needs none."""
    if not suffix or suffix.startswith("/"):
        return number + suffix
    return f"{number}\N{NARROW NO-BREAK SPACE}{suffix}"
