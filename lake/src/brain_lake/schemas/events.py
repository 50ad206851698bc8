"""Events of Kubernetes."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, moment, text

EVENTS: Final = TableSchema(
    "events",
    pa.schema(
        [
            at("when it was last seen"),
            *ENTITY,
            text("type", "`Normal`, `Warning` or `change`"),
            text("reason", "one word, as Kubernetes gives it"),
            text("message", "one sentence"),
            text("actor", "who did it; empty where nobody is known"),
            column(
                "count",
                pa.int64(),
                "how many happenings this row stands for: the growth since the row before",
                unit="happenings",
                nullable=True,
            ),
            moment("first_seen", "first happening of the whole series", nullable=True),
            text("involved_kind", "kind of the object, as Kubernetes names it", nullable=True),
            text("involved_name", "its name; the entity is its owner where it has one", nullable=True),
            text("involved_uid", "its uid", nullable=True),
            text("event_uid", "uid of the Event object; repeats share it", nullable=True),
            column(
                "total",
                pa.int64(),
                "happenings of the Event object so far: with `event_uid` it names the row",
                unit="happenings",
                nullable=True,
            ),
            text("component", "who reported it", nullable=True),
            text("host", "node it was reported from", nullable=True),
            text("action", "what was done or tried, of events.k8s.io", nullable=True),
        ]
    ),
    "A Kubernetes event, or its repetition: `event_uid` and `total` together name a row.",
)
