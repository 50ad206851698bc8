"""Edges of the service graph as rows of the lake's table ``edges``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from brain_otel.graph.edges import EdgeSeen
from brain_otel.side.channel import Row

TABLE: Final = "edges"
_CALLS: Final = "calls"  # kind of all edges that are seen in traces


def edge_rows(edges: Iterable[EdgeSeen]) -> list[Row]:
    """A row for each edge, at the end of the time it was seen in."""
    return [
        (
            int(edge.until * 1e6),
            edge.cluster,
            edge.dependent,
            edge.dependency,
            _CALLS,
            edge.connection_type or None,
            edge.calls_per_second,
            edge.error_ratio,
            edge.p50,
            edge.p95,
            edge.p99,
        )
        for edge in edges
    ]
