"""What deviates in the evidence: the series of all panels that are further from their usual level than by chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brain_engine.anomaly.counting import most_nats
from brain_engine.deviations import Detector, Deviations
from brain_engine.series import Array, CountPanel, Direction, Evidence, Family, Panel, Signal


@dataclass(frozen=True, slots=True)
class Finding:
    """One series that deviates.

    Attributes:
        entity: Which entity.
        signal: Which signal.
        row: Its row in the panel.
        nats: Evidence in nats, after the price of having looked at many series.
        score: The same in [0, 1): ``1 - exp(-nats)``.
        onset: Seconds since the epoch; None when it cannot be told.
        until: When it was over, seconds since the epoch; None while it lasts, and when it cannot be told.
        direction: Where it went.
        usual, extreme: Levels in the signal's unit.
        subject: What exactly was counted: a template, a reason; empty for a signal that is measured.
    """

    entity: str
    signal: Signal
    row: int
    nats: float
    score: float
    onset: float | None
    direction: Direction
    usual: float
    extreme: float
    subject: str = ""
    until: float | None = None


# A fall of a signal whose rise is the bad news (an idle CPU, a fast answer) tells little: it is usually a consequence.
_WRONG_WAY = 0.3
_NEIGHBOURHOOD = 3000  # series: a hundred services with thirty signals each
# Traffic moves by itself: more or fewer requests are rarely the fault itself.
_LOAD = 0.3
# A bill comes hours late and tells what something did, not what broke it: enough to name what an alert about cost is
# about, too little to be ahead of anything that is measured while it happens.
_MOST_OF_BILLS = 4.0


def find(evidence: Evidence, detector: Detector) -> tuple[Finding, ...]:
    """All deviations worth more than the search for them, strongest first.

    Looking at many series finds large deviations by chance, so each pays ln(number of series) (the union bound), up to
    those that an alert may depend on: where a system is larger, rankers put aside what has no way to the alert.
    """
    searched = sum(len(panel.entities) for panel in evidence.panels)
    price = float(np.log(min(max(searched, 1), _NEIGHBOURHOOD)))
    panels = {panel.signal.name: panel for panel in evidence.panels}
    found: list[Finding] = []
    for panel in evidence.panels:
        deviations = detector.deviations(evidence, panel)
        nats = np.minimum(deviations.nats, most_nats(evidence, panel, panels.get(panel.signal.out_of)))
        found.extend(of_panel(evidence, panel, replace(deviations, nats=nats), price))
    return strongest_first(found)


def strongest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In an order that does not depend on the order of columns."""
    return tuple(
        sorted(findings, key=lambda finding: (-finding.nats, finding.entity, finding.signal.name, finding.subject))
    )


def of_panel(evidence: Evidence, panel: Panel | CountPanel, deviations: Deviations, price: float) -> list[Finding]:
    """The rows of a panel whose deviation is worth more than ``price``, in nats."""
    nats = deviations.nats * _weights(panel.signal, deviations.up) - price
    billed = panel.signal.family is Family.COST
    if billed:
        nats = np.minimum(nats, _MOST_OF_BILLS)
    rows = np.flatnonzero(nats > 0)
    return [
        Finding(
            entity=panel.entities[row],
            signal=panel.signal,
            row=int(row),
            nats=float(nats[row]),
            score=float(-np.expm1(-nats[row])),
            onset=float(evidence.times[deviations.onset[row]]) if deviations.onset[row] >= 0 and not billed else None,
            direction=Direction.UP if deviations.up[row] else Direction.DOWN,
            usual=float(deviations.usual[row]),
            extreme=float(deviations.extreme[row]),
            subject=panel.subjects[row] if isinstance(panel, CountPanel) else "",
            until=float(evidence.times[deviations.until[row]]) if deviations.until[row] >= 0 and not billed else None,
        )
        for row in rows
    ]


def _weights(signal: Signal, up: NDArray[np.bool_]) -> Array:
    if signal.family is Family.LOAD:
        return np.full(up.shape, _LOAD)
    if signal.direction is Direction.BOTH:
        return np.ones(up.shape)
    right = up if signal.direction is Direction.UP else ~up
    return np.where(right, 1.0, _WRONG_WAY)
