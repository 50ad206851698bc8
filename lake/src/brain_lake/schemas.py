"""The tables of the lake, column by column.

Every table is a Delta table partitioned by cluster, date and hour (UTC, of ``timestamp``), so that a window of one
cluster is read from a handful of files. Names of entities are kept in four columns, as everywhere in the product.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

PARTITIONS = ("cluster", "date", "hour")

_ENTITY = (
    pa.field("cluster", pa.string(), nullable=False),  # name of the cluster; empty where there is only one
    pa.field("namespace", pa.string(), nullable=False),  # Kubernetes namespace; empty for what has none
    pa.field("kind", pa.string(), nullable=False),  # service, workload, pod, node, database, topic, cloud-resource
    pa.field("name", pa.string(), nullable=False),  # name within cluster, namespace and kind
)
_TIME = pa.field("timestamp", pa.timestamp("us", tz="UTC"), nullable=False)  # when it was measured or happened
_DERIVED = (
    pa.field("date", pa.string(), nullable=False),  # of timestamp, YYYY-MM-DD, UTC
    pa.field("hour", pa.int32(), nullable=False),  # of timestamp, 0 to 23, UTC
)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table.

    Attributes:
        name: Folder below the lake's root.
        columns: What a writer gives; ``date`` and ``hour`` are added.
    """

    name: str
    columns: pa.Schema

    @property
    def stored(self) -> pa.Schema:
        """With the derived partition columns.

        Delta keeps an empty partition value as null, so the column has to allow it; readers make it empty again.
        """
        columns = [field.with_nullable(True) if field.name == "cluster" else field for field in self.columns]
        return pa.schema([*columns, *_DERIVED])


METRICS = TableSchema(
    "metrics",
    pa.schema(
        [
            _TIME,
            *_ENTITY,
            pa.field("signal", pa.string(), nullable=False),  # name in the signal catalogue
            pa.field("value", pa.float64(), nullable=False),  # in the signal's unit
        ]
    ),
)
EDGES = TableSchema(
    "edges",
    pa.schema(
        [
            _TIME,  # when the dependency was seen
            pa.field("cluster", pa.string(), nullable=False),  # name of the cluster
            pa.field("dependent", pa.string(), nullable=False),  # who needs: cluster/namespace/kind/name
            pa.field("dependency", pa.string(), nullable=False),  # who is needed: cluster/namespace/kind/name
            pa.field("edge_kind", pa.string(), nullable=False),  # calls, runs-on
        ]
    ),
)
EVENTS = TableSchema(
    "events",
    pa.schema(
        [
            _TIME,
            *_ENTITY,
            pa.field("type", pa.string(), nullable=False),  # Normal, Warning, change
            pa.field("reason", pa.string(), nullable=False),  # one word, as Kubernetes gives it
            pa.field("message", pa.string(), nullable=False),  # one sentence
            pa.field("actor", pa.string(), nullable=False),  # who did it; empty where nobody is known
        ]
    ),
)
