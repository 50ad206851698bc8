"""Measured findings in plain words, by templates; the same input always gives the same sentence.

Counted findings are in ``counted.py``, causes in ``why.py``.
"""

from __future__ import annotations

import math
from typing import Final

from brain_common.entity import Entity
from brain_engine.findings import Finding
from brain_rca.publish.text import clean

MAX_NAME: Final = 80  # characters of a name in a sentence: most pods' fit
_STEPS = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"), (1.0, "B")),
}


def short(entity: str) -> str:
    """Kind and name, with the namespace when there is one: ``service shop/cart``; one line, capped."""
    parsed = Entity.parse(entity)
    return clean(f"{parsed.kind} {parsed.namespace + '/' if parsed.namespace else ''}{parsed.name}", MAX_NAME)


def signal_name(name: str) -> str:
    """A signal of the catalogue in a sentence: ``latency p99``."""
    return name.removeprefix("service_").replace("_", " ")


def amount(value: float, unit: str) -> str:
    """A value for people: 0.0042 seconds is ``4.2 ms``."""
    if not math.isfinite(value):
        return "unknown"
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    base, _, per = unit.partition("/")
    for size, name in _STEPS.get(base, ()):
        if abs(value) >= size or size == _STEPS[base][-1][0]:
            return f"{value / size:.3g} {name}" + (f"/{per}" if per else "")
    return f"{value:.3g}" + (f" {unit}" if unit not in ("", "1") else "")


def sentence(finding: Finding) -> str:
    """What deviates from what: ``latency p99 rose from 20 ms to typically 2.1 s (x 105)``.

    Typically: single values may be beyond it, and a plot shows them.
    """
    signal = finding.signal
    verb = "rose" if finding.direction.value == "up" else "fell"
    name = signal_name(signal.name)
    usual, typical = amount(finding.usual, signal.unit), amount(finding.extreme, signal.unit)
    text = f"{name} {verb} from {usual} to typically {typical}"
    ratio = finding.extreme / finding.usual if finding.usual and math.isfinite(finding.usual) else math.nan
    if finding.direction.value == "up" and math.isfinite(ratio) and ratio >= 1.5:
        text += f" (x {ratio:.3g})"
    if signal.saturation is not None and finding.extreme >= 0.95 * signal.saturation:
        text += f", at its limit of {amount(signal.saturation, signal.unit)}"
    return text
