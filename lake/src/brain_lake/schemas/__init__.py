"""The tables of the lake, a file for each.

Every table is a Delta table partitioned by cluster, date and hour (UTC, of ``timestamp``), so that a window of one
cluster is read from a handful of files. Names of entities are kept in four columns, as everywhere in the product.
A column may be added if it is nullable; it is never renamed, retyped or removed.
"""

from __future__ import annotations

from typing import Final

from brain_lake.schemas.changes import CHANGES
from brain_lake.schemas.cloudtrail import CLOUDTRAIL
from brain_lake.schemas.cost import COST
from brain_lake.schemas.edges import EDGES
from brain_lake.schemas.events import EVENTS
from brain_lake.schemas.logs import LOGS
from brain_lake.schemas.metrics import METRICS
from brain_lake.schemas.security import SECURITY
from brain_lake.schemas.spans import SPANS
from brain_lake.schemas.table import PARTITIONS, TableSchema

TABLES: Final = (METRICS, EDGES, EVENTS, CHANGES, CLOUDTRAIL, COST, SECURITY, LOGS, SPANS)

__all__ = [
    "CHANGES",
    "CLOUDTRAIL",
    "COST",
    "EDGES",
    "EVENTS",
    "LOGS",
    "METRICS",
    "PARTITIONS",
    "SECURITY",
    "SPANS",
    "TABLES",
    "TableSchema",
]
