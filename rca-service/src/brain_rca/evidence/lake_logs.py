"""Evidence from the lake's log records, which are those of level WARN and above unless it is set to keep more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from brain_common.entity import Entity, EntityKind
from brain_engine.logs.masks import LONGEST_LINE
from brain_engine.logs.templates import TemplateMiner
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_rca.evidence.lake_names import entity_of_row, is_known
from brain_rca.evidence.log_counts import LogRecord, Span, counts_of, span, spans_of
from brain_rca.evidence.log_owner import Owners
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence

_MOST_LINES: Final = 5000  # of a span of time


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
        writers = self._writers(window, Owners(focus))
        spans = [self._span(start, end, writers) for start, end in spans_of(window)] if writers else []
        counts, lacking = counts_of(window, spans, self._miner)
        return RawEvidence(counts=counts, missing=[f"lake logs: {text}" for text in lacking])

    def _writers(self, window: Window, owners: Owners) -> dict[Entity, Entity]:
        """Who wrote anything, and who that is among those that are looked at."""
        rows = self._reader.log_writers(window.baseline_start, window.end).to_pylist()
        found = {writer: _owner(writer, owners) for row in rows if (writer := _writer(row)) is not None}
        return {writer: owner for writer, owner in found.items() if owner is not None}

    def _span(self, start: float, end: float, writers: Mapping[Entity, Entity]) -> Span:
        names = sorted({writer.name for writer in writers})
        rows = self._reader.logs(start, end, names, _MOST_LINES, LONGEST_LINE).to_pylist()
        records = [
            LogRecord(row["at"], writers[writer], row["severity_number"] or 0, row["body"])
            for row in rows
            if (writer := _writer(row)) is not None and writer in writers
        ]
        last = rows[-1]["at"] if len(rows) >= _MOST_LINES else None
        return span(start, end, frozenset(writers.values()), records, last)


def _writer(row: dict[str, Any]) -> Entity | None:
    return entity_of_row(row) if is_known(row["kind"]) else None


def _owner(writer: Entity, owners: Owners) -> Entity | None:
    if writer.kind is not EntityKind.POD:
        return owners.named(writer)
    found = owners.of({"cluster": writer.cluster, "namespace": writer.namespace, "pod": writer.name})
    return found.entity if found is not None else None
