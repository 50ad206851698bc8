"""Evidence from a Prometheus-compatible server: every rule of the catalogue is one query, if its metrics are there.

Small answers are fetched at once, large ones in two steps: see ``rough``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from brain_common.clients.prometheus import Matrix
from brain_common.entity import Entity
from brain_common.errors import BrainError, TemporaryError
from brain_rca.evidence.alone import alone
from brain_rca.evidence.catalogue import CallRule, Catalogue, EdgeRule, OwnerRule, SignalRule
from brain_rca.evidence.in_time import late_of
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEdge, RawEdgePanel, RawEvidence, RawPanel
from brain_rca.evidence.rough import (
    RAW_SAMPLES,
    Rough,
    closer_queries,
    near,
    put_right,
    rough,
    rough_start,
    rough_step,
)
from brain_rca.evidence.survey import LOOKBACK_SECONDS, RangeQueries, Survey

_SCRAPES_IN_WINDOW = 4  # a rate needs two samples; with four, a missed scrape leaves no gap
_GRACE_SECONDS = 5.0  # to put together what came in time
_SURVEY_SHARE = 0.5  # of the time for all queries
_MOST_SAMPLES = 50_000_000  # of all signals together: 400 MB
Rule = SignalRule | CallRule | EdgeRule | OwnerRule


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    panels: list[RawPanel] = field(default_factory=list)
    edge_panels: list[RawEdgePanel] = field(default_factory=list)
    roughs: list[Rough] = field(default_factory=list)
    edges: list[RawEdge] = field(default_factory=list)
    owners: dict[Entity, Entity] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    answers: int = 0
    samples: int = 0

    def add(self, panel: RawPanel) -> bool:
        """Take a signal in, as long as there is room."""
        self.samples += panel.values.size
        if self.samples > _MOST_SAMPLES:
            self.samples -= panel.values.size
            self.missing.append(f"{panel.signal.name}: more than {_MOST_SAMPLES} samples of all signals together")
            return False
        self.panels.append(panel)
        return True


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
        self._rules: dict[str, Rule] = {
            f"{kind} {name}": rule
            for kind, rules in (
                ("signal", catalogue.signals),
                ("call", catalogue.calls),
                ("edge", catalogue.edges),
                ("owner", catalogue.owners),
            )
            for name, rule in rules.items()
        }
        self._survey = Survey(client, {key: rule.query for key, rule in self._rules.items()})
        self._small: set[str] = set()  # signals whose answers are small although their metrics have many series

    async def read(self, window: Window, focus: Focus | None = None) -> RawEvidence:
        """See ``PartSource``; a query that is late is left out by itself."""
        reading = _Reading()
        clock = asyncio.get_running_loop().time
        late = clock() + self._query_seconds
        absent, unreached = await self._absent(window)
        tasks = {
            asyncio.create_task(self._ask(key, rule, window, reading)): key.partition(" ")[2]
            for key, rule in self._rules.items()
            if key not in absent
        }
        await self._within(late - clock(), tasks, reading)
        if tasks and not reading.answers:
            raise TemporaryError(unreached or reading.missing[0])
        await self._closer(window, reading, max(late - clock(), 0.0))
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

    async def _absent(self, window: Window) -> tuple[frozenset[str], str]:
        """What need not be asked, and why that is unknown: a server that does not tell is asked everything."""
        try:
            async with asyncio.timeout(self._query_seconds * _SURVEY_SHARE):
                return await self._survey.absent(window), ""
        except TimeoutError:
            return frozenset(), ""
        except BrainError as error:
            return frozenset(), str(error)

    async def _closer(self, window: Window, reading: _Reading, seconds: float) -> None:
        """Each moment of what seems to deviate; what is late stays as it was seen roughly."""
        entities = near(reading.roughs, reading.edges)
        tasks = {
            asyncio.create_task(self._look(one, text, window, reading)): one.name
            for one in reading.roughs
            for text in closer_queries(one, entities, _query(one.rule, window, window.step))
        }
        await self._within(seconds, tasks, reading)

    async def _look(self, one: Rough, query: str, window: Window, reading: _Reading) -> None:
        try:
            matrix = await self._client.query_range(query, window.baseline_start, window.end, window.step)
        except BrainError as error:
            reading.missing.append(f"{one.name}, a closer look: {error}")
            return
        put_right(one, matrix)

    async def _within(self, seconds: float, tasks: Mapping[asyncio.Task[None], str], reading: _Reading) -> None:
        late = await late_of(tasks, seconds)
        for task, name in tasks.items():
            if task in late:
                reading.missing.append(f"{name}: no answer within {self._query_seconds:g} s")
            else:
                task.result()

    async def _ask(self, key: str, rule: Rule, window: Window, reading: _Reading) -> None:
        name = key.partition(" ")[2]
        try:
            if isinstance(rule, SignalRule) and self._is_large(key, window):
                await self._roughly(key, rule, window, reading)
            else:
                await self._whole(key, rule, window, reading)
        except BrainError as error:
            reading.missing.append(f"{name}: {error}")

    def _is_large(self, key: str, window: Window) -> bool:
        samples = self._survey.series(key) * _moments_of(window)
        return key not in self._small and samples > RAW_SAMPLES and rough_step(window) > window.step

    async def _roughly(self, key: str, rule: SignalRule, window: Window, reading: _Reading) -> None:
        name, step = key.partition(" ")[2], rough_step(window)
        matrix = await self._client.query_range(_query(rule, window, step), rough_start(window), window.end, step)
        if len(matrix.labels) * _moments_of(window) <= RAW_SAMPLES:
            self._small.add(key)  # many series of the metrics are few of the signal
            await self._whole(key, rule, window, reading)
            return
        reading.answers += 1
        reading.missing += [f"{name}: {text}" for text in matrix.warnings]
        # Thousands of series take a while to be looked at; the event loop has notifications to answer.
        found = await asyncio.to_thread(rough, name, rule, matrix, self._cluster, window)
        shown = self._alone(_query(rule, window, window.step), rule, found.labels)
        found = replace(found, panel=replace(found.panel, query_of=shown))
        if reading.add(found.panel):
            reading.roughs.append(found)

    async def _whole(self, key: str, rule: Rule, window: Window, reading: _Reading) -> None:
        name = key.partition(" ")[2]
        start, step = _moments(rule, window)
        query = _query(rule, window, window.step)
        matrix = await self._client.query_range(query, start, window.end, step)
        reading.answers += 1
        reading.missing += [f"{name}: {text}" for text in matrix.warnings]
        if isinstance(rule, SignalRule):
            if matrix.values.size > RAW_SAMPLES:  # it has grown
                self._small.discard(key)
            reading.add(self._panel(name, rule, matrix, query))
        elif isinstance(rule, CallRule):
            reading.edge_panels.append(self._edge_panel(name, rule, matrix))
        elif isinstance(rule, EdgeRule):
            reading.edges += self._edges(name, rule, matrix, window.start)
        else:
            reading.owners.update(self._owners(rule, matrix))

    def _panel(self, name: str, rule: SignalRule, matrix: Matrix, query: str) -> RawPanel:
        entities = [rule.entity.entity(labels, self._cluster) for labels in matrix.labels]
        rows = [row for row, entity in enumerate(entities) if entity is not None]
        named = [entity for entity in entities if entity is not None]
        labels = [matrix.labels[row] for row in rows]
        return RawPanel(rule.signal(name), rule.combine, named, matrix.values[rows], self._alone(query, rule, labels))

    def _alone(
        self, query: str, rule: SignalRule, series: Sequence[Mapping[str, str]]
    ) -> Callable[[Sequence[int]], str]:
        return lambda rows: alone(query, rule.entity, [series[row] for row in rows], self._survey.has)

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


def _query(rule: Rule, window: Window, step: float) -> str:
    rate = max(_SCRAPES_IN_WINDOW * window.scrape, 2 * step)
    return rule.query.replace("$window", f"{rate:.0f}s")


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
    if isinstance(rule, SignalRule | CallRule) or window.step >= LOOKBACK_SECONDS:
        return window.baseline_start, window.step
    steps = (window.end - window.baseline_start) // LOOKBACK_SECONDS
    return window.end - steps * LOOKBACK_SECONDS, LOOKBACK_SECONDS


def _moments_of(window: Window) -> float:
    return (window.end - window.baseline_start) / window.step + 1.0
