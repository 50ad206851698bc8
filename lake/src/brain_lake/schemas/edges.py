"""Who needs whom."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import CLUSTER, TableSchema, at, column, text

EDGES: Final = TableSchema(
    "edges",
    pa.schema(
        [
            at("when the dependency was seen"),
            CLUSTER,
            text("dependent", "who needs: `cluster/namespace/kind/name`"),
            text("dependency", "who is needed: `cluster/namespace/kind/name`"),
            text("edge_kind", "`calls` or `runs-on`"),
            text("connection_type", "empty, `messaging_system`, `database` or `virtual_node`", nullable=True),
            column("rate", pa.float64(), "calls", unit="1/s", nullable=True),
            column("error_ratio", pa.float64(), "share of calls that failed", unit="ratio, 0 to 1", nullable=True),
            column("p50", pa.float64(), "median duration of calls", unit="seconds", nullable=True),
            column("p95", pa.float64(), "95th percentile of it", unit="seconds", nullable=True),
            column("p99", pa.float64(), "99th percentile of it", unit="seconds", nullable=True),
        ]
    ),
    "A dependency that was seen. Seen again, it is another row.",
    ("dependent", "dependency", "timestamp"),
)
