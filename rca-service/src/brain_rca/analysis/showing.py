"""Findings as people get to see them: a sentence, the numbers behind it, a plot, and where to look them up."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from brain_engine.findings import Finding as EngineFinding
from brain_engine.rank.timing import resolution
from brain_engine.series import CountPanel, Panel
from brain_rca.analysis.changes import one_line
from brain_rca.analysis.counted import MAX_SUBJECT, counted, shared, tally
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.analysis.words import sentence
from brain_rca.evidence.protocol import Window
from brain_rca.model import Finding, Plot

LinkOf = Callable[[str, Window], str]  # a URL that shows a query over a window; empty where there is none

_PLOTTED_BEFORE = 1800.0  # seconds of baseline shown before the window
_PLOT_POINTS = 250


def no_link(query: str, window: Window) -> str:
    """A ``LinkOf`` for who has nothing that shows queries."""
    return ""


@dataclass(frozen=True, slots=True)
class Showing:
    """What is needed to show the findings of one incident.

    Attributes:
        incident_id: Whose page has the findings.
        snapshot: Where they were found.
        link_of: From a query to a URL.
        panels: By signal; made of the snapshot.
        resolution: Seconds in which values really change; made of the snapshot.
    """

    incident_id: str
    snapshot: Snapshot
    link_of: LinkOf
    panels: dict[str, Panel | CountPanel] = field(init=False)
    resolution: float = field(init=False)

    def __post_init__(self) -> None:
        evidence = self.snapshot.evidence
        panels: dict[str, Panel | CountPanel] = {one.signal.name: one for one in evidence.panels}
        panels |= {one.signal.name: one for one in evidence.counts}
        object.__setattr__(self, "panels", panels)
        object.__setattr__(self, "resolution", resolution(evidence))

    def finding(self, found: EngineFinding, anchor: str, *, plotted: bool) -> Finding:
        """``found`` in words and numbers; ``anchor`` is its place on the incident's page."""
        query = self.snapshot.queries.get((found.signal.name, found.entity), "")
        return Finding(
            entity=found.entity,
            signal=found.signal.name,
            score=found.score,
            onset=found.onset,
            direction=found.direction.value,
            sentence=self._sentence(found),
            query=query,
            link=(query and self.link_of(query, self.snapshot.window)) or f"incidents/{self.incident_id}#{anchor}",
            plot=self._plot(found) if plotted else None,
            nats=found.nats,
            usual=_known(found.usual),
            extreme=_known(found.extreme),
            unit=found.signal.unit,
            subject=one_line(found.subject, MAX_SUBJECT),
            until=found.until,
        )

    def _sentence(self, found: EngineFinding) -> str:
        panel = self.panels.get(found.signal.name)
        if found.subject and found.signal.unit == "ratio":
            return shared(found)
        if isinstance(panel, CountPanel):
            return counted(found, tally(self.snapshot.evidence, panel, found.row, found.onset))
        said = sentence(found)
        return f"{one_line(found.subject, MAX_SUBJECT)}: {said}" if found.subject else said

    def _plot(self, found: EngineFinding) -> Plot | None:
        """None for what is made of single requests: there is no series to show."""
        panel = self.panels.get(found.signal.name)
        if panel is None:
            return None
        times = self.snapshot.evidence.times
        shown = np.flatnonzero(times >= self.snapshot.window.start - _PLOTTED_BEFORE)
        shown = shown[:: max(1, math.ceil(len(shown) / _PLOT_POINTS))]
        rows = panel.hits if isinstance(panel, CountPanel) else panel.values
        return Plot(
            title=found.signal.name.replace("_", " "),
            unit=found.signal.unit,
            times=tuple(times[shown].tolist()),
            values=tuple(_known(float(value)) for value in rows[found.row, shown]),
            baseline=_known(found.usual),
        )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
