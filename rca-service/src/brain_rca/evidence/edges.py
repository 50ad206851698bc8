"""Dependencies under canonical names: what several sources say of one dependency becomes one edge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brain_common.entity import EntityKind
from brain_engine.series import Edge, EdgeKind
from brain_rca.evidence.raw import RawEdge
from brain_rca.scope.identity import Identity

_Key = tuple[str, str, EdgeKind]


def joined_edges(edges: Iterable[RawEdge], identity: Identity) -> tuple[Edge, ...]:
    """Each dependency once, in an order that does not depend on the sources. Nothing depends on itself."""
    grouped: dict[_Key, list[RawEdge]] = {}
    for edge in edges:
        key = (identity.canonical(edge.dependent), identity.canonical(edge.dependency), edge.kind)
        if key[0] != key[1]:
            grouped.setdefault(key, []).append(edge)
    pods = _pods(grouped)
    return tuple(_joined(key, grouped[key], pods.get(key[0], 0)) for key in sorted(grouped))


def _joined(key: _Key, edges: Sequence[RawEdge], pods: int) -> Edge:
    """Two sources that count the same calls differ by sampling only: the larger rate is nearer to the truth."""
    rates = _rates(edges)
    return Edge(
        *key,
        source=", ".join(sorted({edge.source for edge in edges if edge.source})),
        rate=max(rates, default=None),
        weight=_share(edges, pods) if key[2] is EdgeKind.RUNS_ON and pods else max(edge.weight for edge in edges),
        new=all(edge.new for edge in edges),
    )


def _rates(edges: Sequence[RawEdge]) -> list[float]:
    """Calls a second by source: of one source, what the pods of a service call is added up."""
    totals: dict[str, float] = {}
    for edge in edges:
        if edge.rate is not None:
            totals[edge.source] = totals.get(edge.source, 0.0) + edge.rate
    return list(totals.values())


def _pods(grouped: dict[_Key, list[RawEdge]]) -> dict[str, int]:
    """How many pods of each dependent are known to run somewhere."""
    named: dict[str, set[str]] = {}
    for (dependent, _, kind), edges in grouped.items():
        if kind is EdgeKind.RUNS_ON:
            named.setdefault(dependent, set()).update(_pod_names(edges))
    return {dependent: len(names) for dependent, names in named.items()}


def _share(edges: Sequence[RawEdge], pods: int) -> float:
    return len(_pod_names(edges)) / pods or 1.0


def _pod_names(edges: Iterable[RawEdge]) -> set[str]:
    return {edge.dependent.name for edge in edges if edge.dependent.kind is EntityKind.POD}
