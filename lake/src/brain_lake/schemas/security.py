"""What looked like an attack."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, text

SECURITY: Final = TableSchema(
    "security",
    pa.schema(
        [
            at("when it happened"),
            *ENTITY,
            text("source", "`falco`, `cloudtrail` or `json`"),
            text("rule", "name of the rule that matched"),
            text("severity", "`critical`, `high`, `medium`, `low` or `info`"),
            text("message", "one sentence"),
            text("actor", "user, principal or process; empty where nobody is known"),
            text("event_id", "with `source` it names the event"),
            text("details", "the rest, as JSON", nullable=True),
        ]
    ),
    "Something that a rule of security found. `source` and `event_id` name the event, `rule` the row.",
)
