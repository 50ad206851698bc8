"""Names of the tables, for settings: a process that only configures the lake need not load its libraries."""

from __future__ import annotations

from typing import Final

TABLE_NAMES: Final = ("metrics", "edges", "events", "changes", "cloudtrail", "cost", "security", "logs", "spans")
