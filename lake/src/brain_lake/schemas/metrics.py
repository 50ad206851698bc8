"""Samples of signals, for embedded mode."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, text

METRICS: Final = TableSchema(
    "metrics",
    pa.schema(
        [
            at("when it was measured"),
            *ENTITY,
            text("signal", "name in the [signal catalogue](catalogue.md)"),
            column("value", pa.float64(), "what was measured", unit="the signal's"),
        ]
    ),
    "A sample of a signal of an entity. In embedded mode this stands in for Prometheus.",
)
