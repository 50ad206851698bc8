"""Edges for the lake: what happened on each since it was last told, as one record.

Who writes them lives in another process, so a record is plain data. An edge whose client is nobody we know is left out,
as is the series that stands for all beyond the limit: the judgement could not join them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from brain_common.entity import Entity, EntityKind
from brain_otel.graph.calls import DATABASE, MESSAGING, Calls, CallTable, Edge
from brain_otel.graph.histogram import quantile
from brain_otel.graph.spans import Node


class EdgeSeen(msgspec.Struct, frozen=True):
    """What was seen of one edge in a while.

    Attributes:
        since: Begin, in seconds since the epoch.
        until: End.
        cluster: Of the dependency, else of the dependent.
        dependent: ``cluster/namespace/kind/name``.
        dependency: The same; a database, a topic or a service.
        connection_type: As the metrics' label.
        calls_per_second: Rate.
        error_ratio: Share of calls that failed, in [0, 1].
        p50: Median of the server's seconds, linear within a bucket.
        p95: The 95th percentile.
        p99: The 99th.
    """

    since: float
    until: float
    cluster: str
    dependent: str
    dependency: str
    connection_type: str
    calls_per_second: float
    error_ratio: float
    p50: float | None
    p95: float | None
    p99: float | None


class EdgeLog(Protocol):
    """Takes edges, in the event loop: it may not wait, and drops what it has no room for."""

    def __call__(self, edges: Sequence[EdgeSeen], /) -> None:
        """Take them."""
        ...


class EdgeReport:
    """What was not yet told.

    Args:
        calls: Edges.
        bounds: Of their histograms, in seconds.
        dimensions: Attributes of nodes; one of them may be the namespace.
        now: Seconds since the epoch.
    """

    def __init__(self, calls: CallTable, bounds: Sequence[float], dimensions: Sequence[str], now: float) -> None:
        self._calls = calls
        self._bounds = tuple(bounds)
        names = list(dimensions)
        self._namespace = names.index("k8s.namespace.name") if "k8s.namespace.name" in names else None
        self._since = now
        self._told: dict[Edge, tuple[Calls, int, list[int]]] = {}

    def news(self, now: float) -> list[EdgeSeen]:
        """Edges with calls since the last time."""
        told, seen = {}, []
        for edge, calls in self._calls.series.items():
            known, failed, buckets = self._told.get(edge, (None, 0, []))
            if known is not calls:  # forgotten meanwhile, and made anew
                failed, buckets = 0, [0] * len(calls.server.buckets)
            fresh = [new - old for new, old in zip(calls.server.buckets, buckets, strict=True)]
            if any(fresh) and edge.virtual != "client":
                seen.append(self._seen(edge, fresh, calls.failed - failed, now))
            told[edge] = (calls, calls.failed, list(calls.server.buckets))
        self._told, self._since = told, now
        return seen

    def _seen(self, edge: Edge, buckets: Sequence[int], failed: int, now: float) -> EdgeSeen:
        count = sum(buckets)
        p50, p95, p99 = (quantile(share, self._bounds, buckets) for share in (0.5, 0.95, 0.99))
        return EdgeSeen(
            since=self._since,
            until=now,
            cluster=edge.server.cluster or edge.client.cluster,
            dependent=str(self._entity(edge, edge.client)),
            dependency=str(self._entity(edge, edge.server)),
            connection_type=edge.connection,
            calls_per_second=count / max(now - self._since, 1e-3),
            error_ratio=failed / count,
            p50=p50,
            p95=p95,
            p99=p99,
        )

    def _entity(self, edge: Edge, node: Node) -> Entity:
        namespace = "" if self._namespace is None else node.dimensions[self._namespace]
        kind = EntityKind.SERVICE
        if node is edge.server and edge.connection == DATABASE:
            kind = EntityKind.DATABASE
        elif node is edge.server and edge.connection == MESSAGING and edge.virtual:
            kind = EntityKind.TOPIC
        return Entity(node.cluster or edge.client.cluster, namespace, kind, node.service)
