"""Traces that the processor has kept in the lake: those that failed, were slow, or were drawn for comparison."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from brain_common.entity import Entity
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import SPANS
from brain_rca.evidence.lake_names import entity_of_row, is_known
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.asking import Asking
from brain_rca.evidence.traces.names import peer_of
from brain_rca.evidence.traces.rows import MOST_NAME, SpanRow, kind_of

_MOST: Final = 50_000  # spans of the stretch before the window, and of the window
_COLUMNS: Final = (
    "timestamp",
    "cluster",
    "namespace",
    "kind",
    "name",
    "trace_id",
    "span_id",
    "parent_span_id",
    "span_name",
    "span_kind",
    "duration_seconds",
    "status",
    "attributes",
)


class LakeTraces:
    """Implements ``PartSource``; asked about what deviates.

    Args:
        location: Which lake.
        deadline_seconds: For all of it.
    """

    name = "traces of the lake"

    def __init__(self, location: LakeLocation, deadline_seconds: float) -> None:
        self._reader = LakeReader(location)
        self.deadline_seconds = deadline_seconds

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``."""
        if focus is None or not focus.entities:
            return RawEvidence()
        return await asyncio.to_thread(self._read, window, focus.entities)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _read(self, window: Window, entities: frozenset[Entity]) -> RawEvidence:
        before = max(2 * window.start - window.end, window.baseline_start)  # as long as the window
        asking, missing, rows = Asking(self.name), [], []
        for start, end, when in ((before, window.start, "before"), (window.start, window.end, "in")):
            found = self._reader.rows(SPANS, start, end, columns=_COLUMNS, limit=_MOST)
            if found.num_rows == _MOST:
                missing.append(f"{self.name}: of those {when} the window only the latest {_MOST} spans were looked at")
            rows += [_row(span) for span in found.to_pylist() if is_known(span["kind"])]
        near = _near(rows, entities)
        return asking.evidence(window, near, len({row.trace for row in near}), missing)


def _near(rows: Iterable[SpanRow], entities: frozenset[Entity]) -> list[SpanRow]:
    """Whole traces in which one of the entities has a part."""
    rows = list(rows)
    chosen = {row.trace for row in rows if row.entity in entities}
    return [row for row in rows if row.trace in chosen]


def _row(span: Mapping[str, Any]) -> SpanRow:
    start = span["timestamp"].timestamp()
    return SpanRow(
        trace=span["trace_id"],
        span=span["span_id"],
        parent=span["parent_span_id"] or "",
        entity=entity_of_row(span),
        operation=span["span_name"][:MOST_NAME],
        start=start,
        end=start + span["duration_seconds"],
        error=span["status"] == "error",
        kind=kind_of(span["span_kind"]),
        peer=peer_of(_texts(span["attributes"]), span["cluster"]) if span["attributes"] else None,
    )


def _texts(attributes: str) -> dict[str, str]:
    try:
        decoded = json.loads(attributes)
    except ValueError:
        return {}
    return {key: value for key, value in decoded.items() if isinstance(value, str)} if isinstance(decoded, dict) else {}
