"""Who needs whom, as a graph with an arrow from each dependent to its dependency; cycles are normal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import rustworkx as rx

from brain_engine.series import Edge


class DependencyGraph:
    """Lookups over the edges of one window."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._graph: rx.PyDiGraph[str, None] = rx.PyDiGraph(multigraph=False)
        self._index: dict[str, int] = {}
        self._rates: dict[tuple[str, str], float] = {}
        # In order, so that of two ways of the same length the same one is taken, however the edges came.
        for edge in sorted(edges, key=lambda edge: (edge.dependent, edge.dependency, edge.kind)):
            self._graph.add_edge(self._node(edge.dependent), self._node(edge.dependency), None)
            if edge.rate is not None:  # two may need each other in several ways, of which one is counted
                self._rates[edge.dependent, edge.dependency] = edge.rate

    def _node(self, name: str) -> int:
        if name not in self._index:
            self._index[name] = self._graph.add_node(name)
        return self._index[name]

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self._index)

    def dependencies(self, name: str) -> tuple[str, ...]:
        """What ``name`` needs directly, sorted."""
        return self._sorted(self._graph.successor_indices(self._index[name])) if name in self else ()

    def dependents(self, name: str) -> tuple[str, ...]:
        """What needs ``name`` directly, sorted."""
        return self._sorted(self._graph.predecessor_indices(self._index[name])) if name in self else ()

    def rate(self, dependent: str, dependency: str) -> float | None:
        """Calls a second of the one to the other; None where nobody counts them, or there are none."""
        return self._rates.get((dependent, dependency))

    def distances(self, start: str) -> Mapping[str, int]:
        """Everything that ``start`` needs, directly or not, by number of steps; ``start`` itself at 0."""
        if start not in self:
            return {start: 0}
        steps = rx.digraph_dijkstra_shortest_path_lengths(self._graph, self._index[start], lambda _: 1.0)
        return {start: 0} | {self._graph[node]: int(length) for node, length in steps.items()}

    def path(self, cause: str, alerting: str) -> tuple[str, ...]:
        """A shortest way from ``cause`` up to ``alerting``, both included; empty when there is none."""
        if cause == alerting:
            return (cause,)
        if cause not in self or alerting not in self:
            return ()
        paths = rx.digraph_dijkstra_shortest_paths(self._graph, self._index[alerting], target=self._index[cause])
        found = paths[self._index[cause]] if paths else ()
        return tuple(self._graph[node] for node in reversed(list(found)))

    def _sorted(self, nodes: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(self._graph[node] for node in nodes))
