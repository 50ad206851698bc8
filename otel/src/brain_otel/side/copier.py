"""Brings the backlog into the lake: the part of the side process that writes.

A commit whose answer was lost is not written again: the lake keeps the number of our last portion with its rows.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Final

from brain_common.clock import Clock
from brain_common.errors import BrainError, InputError, PermanentError
from brain_common.trouble import Trouble
from brain_lake.schemas import TABLES
from brain_lake.writer import Batch, LakeWriter
from brain_otel.side.backlog import Backlog, Portion
from brain_otel.side.table import Admission, as_table

_log = logging.getLogger(__name__)
_TABLES: Final = {schema.name: schema for schema in TABLES}


class Copier:
    """Writes what waits.

    Args:
        backlog: What waits.
        writer: Of the lake.
        clock: Rows of impossible times are not written.
        told: Called with whether the lake takes rows.
    """

    def __init__(self, backlog: Backlog, writer: LakeWriter, clock: Clock, told: Callable[[bool], None]) -> None:
        self._backlog = backlog
        self._writer = writer
        self._clock = clock
        self._told = told
        self._name = f"otel-{uuid.uuid4()}"
        self._trouble = Trouble()
        self._busy = asyncio.Lock()

    async def run(self, period: float) -> None:
        """Flush each ``period`` seconds; endless."""
        while True:
            await asyncio.sleep(period)
            await self.flush()

    async def flush(self) -> None:
        """Write all that waits, until the lake is away: what then waits is tried again by the next call."""
        async with self._busy:
            await self._flush()

    async def _flush(self) -> None:
        while (portion := self._backlog.first()) is not None:
            try:
                await asyncio.to_thread(self._write, portion)
            except (InputError, PermanentError) as error:
                self._backlog.refuse(portion)
                self._say(error)
            except BrainError as error:
                portion.tried = True
                return self._say(error)
            else:
                self._backlog.done(portion)
                self._works()
        return None

    def _write(self, portion: Portion) -> None:
        schema = _TABLES[portion.table]
        if portion.tried and (self._writer.last_batch(schema, self._name) or 0) >= portion.number:
            return
        admission = Admission(self._clock.now())
        admitted = [admission.admit(piece.rows) for piece in portion.pieces]
        rows = [row for good, _ in admitted for row in good]
        for piece, (_, left_out) in zip(portion.pieces, admitted, strict=True):
            piece.left_out = left_out
        self._writer.append(schema, as_table(schema, rows), Batch(self._name, portion.number))

    def _works(self) -> None:
        if self._trouble.over():
            _log.info("lake: works again")
        self._told(True)

    def _say(self, error: BrainError) -> None:
        """Once, while it stays the same."""
        self._told(False)
        if self._trouble.news(error):
            _log.error("%s; counted from now on", error)
