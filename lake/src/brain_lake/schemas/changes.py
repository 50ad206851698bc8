"""What somebody changed."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, moment, text

CHANGES: Final = TableSchema(
    "changes",
    pa.schema(
        [
            at("when it ended, or began where it has not ended"),
            *ENTITY,
            text("source", "`argocd`, `gitlab`, `github`, `terraform`, `cloudtrail`, `kubernetes`…"),
            text("change_kind", "`rollout`, `config`, `sync`, `pipeline`, `deployment`, `apply`…"),
            text("result", "`started`, `succeeded`, `failed` or `cancelled`"),
            text("change_id", "with `source` it names the change; its states share it"),
            text("title", "one sentence"),
            text("actor", "who did it; empty where nobody is known"),
            text("revision", "commit, image or version that came", nullable=True),
            text("url", "where people look at it; never fetched", nullable=True),
            moment("started_at", "when it began", nullable=True),
            text("details", "the rest, as JSON", nullable=True),
        ]
    ),
    "A state of a change: `source` and `change_id` name the change, `result` its state.",
)
