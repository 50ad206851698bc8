"""What requests did on their way."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, text

SPANS: Final = TableSchema(
    "spans",
    pa.schema(
        [
            at("when it began"),
            *ENTITY,
            text("trace_id", "32 hexadecimal digits"),
            text("span_id", "16 hexadecimal digits"),
            text("parent_span_id", "of the caller; null where the trace begins", nullable=True),
            text("span_name", "of the operation"),
            text("span_kind", "`internal`, `server`, `client`, `producer`, `consumer`; empty where it does not say"),
            column("duration_seconds", pa.float64(), "from its begin to its end", unit="seconds"),
            text("status", "`unset`, `ok` or `error`"),
            text("status_message", "what it says of an error", nullable=True),
            text("kept_for", "why its trace is here: `error`, `slow` or `sample`"),
            text("attributes", "of peer, database, HTTP, RPC and messaging, as JSON", nullable=True),
        ]
    ),
    "A span of a trace that failed, was slow, or was drawn for comparison. `trace_id` and `span_id` name it; one that "
    "was sent again is another row.",
)
