"""What programs complained about."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, text

LOGS: Final = TableSchema(
    "logs",
    pa.schema(
        [
            at("when it happened, or was observed where it does not say"),
            *ENTITY,
            column("severity_number", pa.int32(), "13 to 16 is WARN, 17 to 20 ERROR, 21 to 24 FATAL", unit="1 to 24"),
            text("severity_text", "as its source names it"),
            text("body", "what it says, the first 4,096 characters"),
            text("trace_id", "32 hexadecimal digits; null outside a trace", nullable=True),
            text("span_id", "16 hexadecimal digits; null outside a span", nullable=True),
            text("error_class", "`error.type` or `exception.type`", nullable=True),
            text("attributes", "of the record, as JSON, the first of them", nullable=True),
        ]
    ),
    "A log record of some severity. Nothing names a row: a record that was sent again is another row.",
)
