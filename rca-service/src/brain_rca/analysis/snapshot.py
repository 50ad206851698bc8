"""One look at the evidence, shared by all groups that fire in the same minutes.

In a storm hundreds of groups become due at once. They ask about the same system in the same window, so they
share one fetch and one scan for deviations; only the ranking is each group's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from brain_engine.detail import find_in_detail
from brain_engine.deviations import Detector
from brain_engine.findings import Finding, find, strongest_first
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.series import Evidence, with_detail
from brain_engine.ways import with_delays
from brain_rca.evidence.protocol import EvidenceSource, QueryOf, Window, no_query

_KEPT = 4  # snapshots; each is a few tens of MB at 200 services
_STALE_SECONDS = 30.0  # a group may be judged on evidence this much older than now
_START_SLACK = 300.0  # and on a window that starts this much earlier or later
_SMALL = 100  # entities of a system that is looked at closely as a whole


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Evidence of a window, with what deviates in it.

    ``queries`` are those that show a signal of one entity alone, by both; of what deviates, where there is one.
    """

    window: Window
    evidence: Evidence
    findings: tuple[Finding, ...]
    graph: DependencyGraph
    entities: frozenset[str]
    queries: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Snapshots:
    """Takes snapshots and remembers the latest few."""

    def __init__(self, source: EvidenceSource, detector: Detector) -> None:
        self._source = source
        self._detector = detector
        self._recent: list[Snapshot] = []
        self._lock = asyncio.Lock()

    async def take(self, window: Window) -> Snapshot:
        """A snapshot that serves ``window``.

        Raises:
            TemporaryError: Nothing could be reached.
        """
        async with self._lock:
            found = next((one for one in self._recent if _serves(one.window, window)), None)
            if found is None:
                found = await self._fetch(window)
                self._recent = [found, *self._recent][:_KEPT]
        return found

    async def _fetch(self, window: Window) -> Snapshot:
        gathered = await self._source.gather(window)
        gathered = replace(gathered, evidence=await asyncio.to_thread(with_delays, gathered.evidence, self._detector))
        graph = await asyncio.to_thread(DependencyGraph, gathered.evidence.edges)
        findings = await asyncio.to_thread(find, gathered.evidence, self._detector)
        queries = await asyncio.to_thread(_queries, gathered.query_of, findings)
        gathered = replace(gathered, query_of=no_query)  # it holds the labels of all series
        closely = await self._source.detail(window, gathered, _looked_at(gathered.evidence, findings, graph))
        return await asyncio.to_thread(_scanned, window, with_detail(gathered.evidence, closely), findings, queries)


def _queries(query_of: QueryOf, findings: Iterable[Finding]) -> dict[tuple[str, str], str]:
    shown = {(finding.signal.name, finding.entity) for finding in findings}
    return {one: query_of(*one) for one in shown}


def _scanned(
    window: Window, evidence: Evidence, rough: tuple[Finding, ...], queries: Mapping[tuple[str, str], str]
) -> Snapshot:
    graph = DependencyGraph(evidence.edges)  # anew: traces may know more edges
    findings = strongest_first((*rough, *find_in_detail(evidence)))
    return Snapshot(window, evidence, findings, graph, _named(evidence), queries)


def _named(evidence: Evidence) -> frozenset[str]:
    """Everything that has a series or a place in the graph."""
    named = {entity for panel in evidence.panels for entity in panel.entities}
    named |= {entity for panel in evidence.counts for entity in panel.entities}
    return frozenset(named | {end for edge in evidence.edges for end in (edge.dependent, edge.dependency)})


def _looked_at(evidence: Evidence, findings: tuple[Finding, ...], graph: DependencyGraph) -> frozenset[str]:
    """What logs and traces are asked about: what deviates, and what it needs or is needed by.

    A wrong answer given in time leaves no trace in what is measured. So a small system is looked at as a whole, and of
    a large one in which nothing deviates, those whom nobody calls: all requests come by there.
    """
    named = _named(evidence)
    if len(named) <= _SMALL:
        return named
    deviating = {finding.entity for finding in findings}
    if not deviating:
        return frozenset([name for name in sorted(named) if name in graph and not graph.dependents(name)][:_SMALL])
    near = {name for entity in deviating for name in (*graph.dependencies(entity), *graph.dependents(entity))}
    return frozenset(deviating | near)


def _serves(have: Window, want: Window) -> bool:
    return (
        have.step == want.step
        and 0 <= want.end - have.end <= _STALE_SECONDS
        and abs(want.start - have.start) <= _START_SLACK
    )
