"""What one read of a source amounts to: it is taken whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pyarrow as pa

from brain_lake.schemas import TableSchema

Labels = tuple[str, ...]


@dataclass(slots=True)
class Batch:
    """Filled by a collector, committed by the ledger.

    Attributes:
        counts: By name of the counter and values of its labels: how much is added.
        positions: By name of a source: from where it is read on after a restart. Any text.
        notes: By key: what a collector has to remember, as bytes; None forgets it.
        rows: For the lake.
    """

    counts: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    positions: dict[str, str] = field(default_factory=dict)
    notes: dict[str, bytes | None] = field(default_factory=dict)
    rows: list[tuple[TableSchema, pa.Table]] = field(default_factory=list)

    def count(self, counter: str, labels: Labels, amount: float = 1.0) -> None:
        """Add to a counter."""
        series = self.counts[counter]
        series[labels] = series.get(labels, 0.0) + amount

    def add_rows(self, schema: TableSchema, rows: pa.Table) -> None:
        """Add rows for the lake; none is no error."""
        if rows.num_rows:
            self.rows.append((schema, rows))
