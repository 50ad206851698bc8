"""Evidence from a Prometheus-compatible server: every rule of the catalogue is one query."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from brain_common.clients.prometheus import Matrix
from brain_common.entity import Entity
from brain_common.errors import BrainError, TemporaryError
from brain_rca.evidence.catalogue import CallRule, Catalogue, EdgeRule, OwnerRule, SignalRule
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEdge, RawEdgePanel, RawEvidence, RawPanel

_SCRAPES_IN_WINDOW = 4  # a rate needs two samples; with four, a missed scrape leaves no gap
_LOOKBACK_SECONDS = 300.0  # Prometheus' default: a sample is seen for this long, so a series is not missed in between
_GRACE_SECONDS = 5.0  # to put together what came in time
Rule = SignalRule | CallRule | EdgeRule | OwnerRule


class RangeQueries(Protocol):
    """What is needed of a server; see ``brain_common.clients.prometheus.PrometheusClient``."""

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    panels: list[RawPanel] = field(default_factory=list)
    edge_panels: list[RawEdgePanel] = field(default_factory=list)
    edges: list[RawEdge] = field(default_factory=list)
    owners: dict[Entity, Entity] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    answers: int = 0


class PrometheusEvidence:
    """Implements ``PartSource``.

    Args:
        client: The server.
        catalogue: What to ask.
        cluster: Name of the cluster for series without a ``cluster`` label.
        deadline_seconds: For all queries together.
    """

    name = "prometheus"

    def __init__(
        self,
        client: RangeQueries,
        catalogue: Catalogue,
        cluster: str,
        deadline_seconds: float,
    ) -> None:
        self._client = client
        self._catalogue = catalogue
        self._cluster = cluster
        self._query_seconds = deadline_seconds
        self.deadline_seconds = deadline_seconds + _GRACE_SECONDS

    async def read(self, window: Window, focus: Focus | None = None) -> RawEvidence:
        """See ``PartSource``; a query that is late is left out by itself."""
        reading = _Reading()
        tasks = {
            asyncio.create_task(self._ask(name, rule, window, reading)): name
            for rules in (self._catalogue.signals, self._catalogue.calls, self._catalogue.edges, self._catalogue.owners)
            for name, rule in rules.items()
        }
        await self._within_deadline(tasks, reading)
        if tasks and not reading.answers:
            raise TemporaryError(reading.missing[0])
        if not any(len(panel.entities) for panel in reading.panels):
            reading.missing.append("no signal of the catalogue has any series in this window")
        # Answers arrive in any order; the evidence must not depend on it.
        return RawEvidence(
            panels=sorted(
                (panel for panel in reading.panels if len(panel.entities)), key=lambda panel: panel.signal.name
            ),
            edges=reading.edges,
            owners=reading.owners,
            missing=sorted(reading.missing),
            edge_panels=sorted(reading.edge_panels, key=lambda panel: panel.signal.name),
        )

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _within_deadline(self, tasks: Mapping[asyncio.Task[None], str], reading: _Reading) -> None:
        try:
            done, late = await asyncio.wait(tasks, timeout=self._query_seconds)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        for task in late:
            task.cancel()
            reading.missing.append(f"{tasks[task]}: no answer within {self._query_seconds:g} s")
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()

    async def _ask(self, name: str, rule: Rule, window: Window, reading: _Reading) -> None:
        rate = max(_SCRAPES_IN_WINDOW * window.scrape, 2 * window.step)
        query = rule.query.replace("$window", f"{rate:.0f}s")
        start, step = _moments(rule, window)
        try:
            matrix = await self._client.query_range(query, start, window.end, step)
        except BrainError as error:
            reading.missing.append(f"{name}: {error}")
            return
        reading.answers += 1
        reading.missing += [f"{name}: {text}" for text in matrix.warnings]
        if isinstance(rule, SignalRule):
            reading.panels.append(self._panel(name, rule, matrix))
        elif isinstance(rule, CallRule):
            reading.edge_panels.append(self._edge_panel(name, rule, matrix))
        elif isinstance(rule, EdgeRule):
            reading.edges += self._edges(name, rule, matrix, window.start)
        else:
            reading.owners.update(self._owners(rule, matrix))

    def _panel(self, name: str, rule: SignalRule, matrix: Matrix) -> RawPanel:
        entities = [rule.entity.entity(labels, self._cluster) for labels in matrix.labels]
        rows = [row for row, entity in enumerate(entities) if entity is not None]
        named = [entity for entity in entities if entity is not None]
        return RawPanel(rule.signal(name), rule.combine, named, matrix.values[rows])

    def _edge_panel(self, name: str, rule: CallRule, matrix: Matrix) -> RawEdgePanel:
        pairs = [
            (row, dependent, dependency)
            for row, labels in enumerate(matrix.labels)
            if (dependent := rule.dependent.entity(labels, self._cluster)) is not None
            and (dependency := rule.dependency.entity(labels, self._cluster)) is not None
        ]
        rows = [row for row, _, _ in pairs]
        callers, callees = [caller for _, caller, _ in pairs], [callee for _, _, callee in pairs]
        return RawEdgePanel(rule.signal(name), rule.combine, callers, callees, matrix.values[rows])

    def _edges(self, name: str, rule: EdgeRule, matrix: Matrix, start: float) -> list[RawEdge]:
        found = []
        new = _new(matrix, start)
        for row, labels in enumerate(matrix.labels):
            dependent = rule.dependent.entity(labels, self._cluster)
            dependency = rule.dependency.entity(labels, self._cluster)
            if dependent is not None and dependency is not None:
                rate = _rate(matrix.values[row]) if rule.rated else None
                found.append(RawEdge(dependent, dependency, rule.kind, name, rate, new=bool(new[row])))
        return found

    def _owners(self, rule: OwnerRule, matrix: Matrix) -> dict[Entity, Entity]:
        pairs = (
            (rule.pod.entity(labels, self._cluster), rule.workload.entity(labels, self._cluster))
            for labels in matrix.labels
        )
        return {pod: workload for pod, workload in pairs if pod is not None and workload is not None}


def _new(matrix: Matrix, start: float) -> NDArray[np.bool_]:
    """Which series began in the window, [N]; none where nothing is known of the time before it."""
    before = np.isfinite(matrix.values[:, matrix.times < start]).any(axis=1)
    return np.asarray(~before & before.any(), dtype=np.bool_)


def _rate(values: NDArray[np.float64]) -> float | None:
    found = values[np.isfinite(values)]
    return float(found.mean()) if len(found) else None


def _moments(rule: Rule, window: Window) -> tuple[float, float]:
    """First moment and step to ask for; the last is always the window's end.

    Of a signal, every step. Of an edge or an owner only the existence counts, so a few moments tell.
    """
    if isinstance(rule, SignalRule | CallRule) or window.step >= _LOOKBACK_SECONDS:
        return window.baseline_start, window.step
    steps = (window.end - window.baseline_start) // _LOOKBACK_SECONDS
    return window.end - steps * _LOOKBACK_SECONDS, _LOOKBACK_SECONDS
