"""Edges of the service graph as rows."""

from __future__ import annotations

from brain_lake.schemas import EDGES
from brain_otel.graph.edges import EdgeSeen
from brain_otel.lake_copy.edges import TABLE, edge_rows

SEEN = EdgeSeen(
    since=60.0,
    until=120.0,
    cluster="c1",
    dependent="c1/shop/service/front",
    dependency="c1/shop/database/orders",
    connection_type="database",
    calls_per_second=2.5,
    error_ratio=0.1,
    p50=0.01,
    p95=0.02,
    p99=None,
)


def test_a_row_is_in_the_order_of_the_columns() -> None:
    assert EDGES.name == TABLE
    (row,) = edge_rows([SEEN])
    assert dict(zip(EDGES.columns.names, row, strict=True)) == {
        "timestamp": 120_000_000,
        "cluster": "c1",
        "dependent": "c1/shop/service/front",
        "dependency": "c1/shop/database/orders",
        "edge_kind": "calls",
        "connection_type": "database",
        "rate": 2.5,
        "error_ratio": 0.1,
        "p50": 0.01,
        "p95": 0.02,
        "p99": None,
    }
