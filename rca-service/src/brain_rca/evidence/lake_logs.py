"""Evidence from the lake's log records, which are those of level WARN and above unless it is set to keep more."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from brain_common.entity import Entity, EntityKind
from brain_engine.logs.masks import LONGEST_LINE
from brain_engine.logs.templates import TemplateMiner
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_rca.evidence.log_counts import LogRecord, Span, counts_of, span, spans_of
from brain_rca.evidence.log_owner import Owners
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence

_MOST_LINES: Final = 5000  # of a span of time
_KINDS: Final = frozenset(kind.value for kind in EntityKind)


class LakeLogs:
    """Implements ``PartSource``."""

    name = "lake logs"

    def __init__(self, location: LakeLocation, deadline_seconds: float, miner: TemplateMiner) -> None:
        self._reader = LakeReader(location)
        self._miner = miner
        self.deadline_seconds = deadline_seconds

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``; without a focus there is nothing to read."""
        if focus is None or not focus.entities:
            return RawEvidence()
        return await asyncio.to_thread(self._read, window, focus)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _read(self, window: Window, focus: Focus) -> RawEvidence:
        spans = [self._span(start, end, focus) for start, end in spans_of(window)]
        counts, lacking = counts_of(window, spans, self._miner)
        return RawEvidence(counts=counts, missing=[f"lake logs: {text}" for text in lacking])

    def _span(self, start: float, end: float, focus: Focus) -> Span:
        owners = Owners(focus)
        names = sorted({entity.name for entity in focus.entities})
        rows = self._reader.logs(start, end, names, _MOST_LINES, LONGEST_LINE).to_pylist()
        records = [record for row in rows if (record := _record(row, owners)) is not None]
        return span(start, end, focus.entities, records, full=len(rows) >= _MOST_LINES)


def _record(row: dict[str, Any], owners: Owners) -> LogRecord | None:
    if row["kind"] not in _KINDS:
        return None
    entity = owners.named(Entity(row["cluster"], row["namespace"], EntityKind(row["kind"]), row["name"]))
    return LogRecord(row["at"], entity, row["severity_number"] or 0, row["body"]) if entity is not None else None
