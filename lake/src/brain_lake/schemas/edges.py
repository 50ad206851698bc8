"""Who needs whom."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import CLUSTER, TableSchema, at, text

EDGES: Final = TableSchema(
    "edges",
    pa.schema(
        [
            at("when the dependency was seen"),
            CLUSTER,
            text("dependent", "who needs: `cluster/namespace/kind/name`"),
            text("dependency", "who is needed: `cluster/namespace/kind/name`"),
            text("edge_kind", "`calls` or `runs-on`"),
        ]
    ),
    "A dependency that was seen. Seen again, it is another row.",
    ("dependent", "dependency", "timestamp"),
)
