"""What the cloud charges."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, moment, text

COST: Final = TableSchema(
    "cost",
    pa.schema(
        [
            at("begin of the period that is charged"),
            *ENTITY,
            moment("period_end", "end of the period that is charged"),
            moment("retrieved_at", "when the bill was read; a later row replaces an earlier"),
            text("source", "`cost-explorer`, `focus` or `cur`"),
            text("account_id", "account that is charged, 12 digits"),
            text("region", "of the service"),
            text("service", "as the bill names it"),
            text("usage_type", "as the bill names it"),
            text("cost_type", "`unblended`, `amortized`, `net_unblended`, `billed`, `effective`…"),
            column("amount", pa.float64(), "what is charged", unit="`currency`"),
            text("currency", "ISO 4217"),
            column("usage_quantity", pa.float64(), "what was used", unit="`usage_unit`", nullable=True),
            text("usage_unit", "as the bill names it", nullable=True),
            text("tags", "as JSON", nullable=True),
        ]
    ),
    "A line of the bill, for the entity that its tags name, or the account. Bills are corrected for days: of rows that "
    "differ in `amount`, `usage_quantity` and `retrieved_at` only, the last retrieved counts.",
)
