"""Takes batches so that counters, positions and the lake agree whatever happens in between.

A batch is first committed to the state file, rows included; from that moment it counts. The lake gets the rows
afterwards, in the order of their numbers, and keeps the number of the last batch in the same commit as its rows: a
process that died in between asks the lake and goes on without losing or repeating any. While the lake is away, rows
wait in the state file, up to a limit; then ``commit`` refuses, and the source is not read on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa
from prometheus_client.core import CounterMetricFamily

from brain_common.errors import BrainError, TemporaryError
from brain_exporters.runtime.batch import Batch, Labels
from brain_exporters.runtime.counters import CounterSpec, by_name
from brain_exporters.runtime.state import Pending, State
from brain_lake.schemas import TABLES, TableSchema
from brain_lake.writer import Batch as LakeBatch
from brain_lake.writer import LakeWriter, complete

_log = logging.getLogger(__name__)
_TABLES = {schema.name: schema for schema in TABLES}
_FULL_PAUSE = 1.0  # seconds between two looks whether there is room again


class Ledger:
    """The one place where an exporter's counters change.

    Args:
        state: Opened state file.
        specs: The counters there are.
        lake: Where rows go; None: they are dropped.
        max_series: Of each counter.
        backlog_bytes: How much may wait for the lake.
    """

    def __init__(
        self,
        state: State,
        specs: Iterable[CounterSpec],
        lake: LakeWriter | None,
        *,
        max_series: int,
        backlog_bytes: int,
    ) -> None:
        self._state = state
        self._lake = lake
        self._backlog_bytes = backlog_bytes
        self._guard = threading.Lock()  # commits come from threads of several sources
        self._counters = by_name(specs, max_series)
        for name, labels, value in state.counters():
            if name in self._counters and len(labels) == len(self._counters[name].spec.labels):
                self._counters[name].values[labels] = value
        self._waiting = state.pending_bytes()

    def position(self, source: str) -> str | None:
        """From where a source is read on."""
        with self._guard:
            return self._state.position(source)

    def notes(self, prefix: str) -> dict[str, bytes]:
        """What was noted under keys that begin with ``prefix``."""
        with self._guard:
            return dict(self._state.notes(prefix))

    def commit(self, batch: Batch) -> None:
        """Take a batch; blocking (one flush to disk). After it returns, no crash undoes it.

        Raises:
            InputError: Rows do not fit their table.
            TemporaryError: Too many rows wait for the lake, or the disk fails; nothing was taken, try again.
        """
        rows = [(schema.name, _encode(schema, table), table.nbytes) for schema, table in batch.rows if self._lake]
        size = sum(len(blob) for _, blob, _ in rows)
        with self._guard:
            if rows and self._waiting and self._waiting + size > self._backlog_bytes:
                raise BacklogFull(f"{self._waiting >> 20} MiB of rows wait for the lake; the source is not read on")
            placed = {name: self._counters[name].place(amounts) for name, amounts in batch.counts.items()}
            self._state.commit(placed, batch.positions, batch.notes, rows)
            for name, values in placed.items():
                self._counters[name].values.update(values)
            self._waiting += size

    async def commit_when_room(self, batch: Batch) -> None:
        """The same, waiting in a thread and for as long as the lake has to catch up."""
        while True:
            try:
                return await asyncio.to_thread(self.commit, batch)
            except BacklogFull:
                await asyncio.sleep(_FULL_PAUSE)

    def start_at_zero(self, counter: str, series: Iterable[tuple[str, ...]]) -> None:
        """Show series before their first happening: of one that appears at 1, ``increase()`` misses the first."""
        with self._guard:
            values = self._counters[counter].values
            for labels in series:
                values.setdefault(labels, 0.0)

    def counters(self) -> list[tuple[CounterSpec, dict[Labels, float]]]:
        """All counters, as they are now."""
        with self._guard:
            return [(counter.spec, counter.values.copy()) for counter in self._counters.values()]

    def families(self) -> Sequence[CounterMetricFamily]:
        """All counters as families, fresh."""
        with self._guard:
            return [counter.family() for counter in self._counters.values()]

    @property
    def waiting_bytes(self) -> int:
        """How much waits for the lake."""
        return self._waiting

    def flush(self) -> None:
        """Bring waiting rows into the lake; blocking.

        Raises:
            TemporaryError: The lake or the disk is away; what is left is kept.
        """
        while self._lake is not None:
            with self._guard:
                pending = self._state.pending()
            if not pending:
                return
            for name in dict.fromkeys(each.table for each in pending):
                self._write(self._lake, _TABLES[name], [each for each in pending if each.table == name])
            self._confirm(pending)

    async def run(self, told: Callable[[BrainError | None], None], period: float) -> None:
        """Bring rows into the lake as they come, at most one commit a table each ``period`` seconds; endless.

        Args:
            told: Called with what went wrong, or None when all went well.
            period: Seconds between two looks; also the pause after a failure.
        """
        while True:
            try:
                await asyncio.to_thread(self.flush)
                told(None)
            except BrainError as error:
                told(error)
            await asyncio.sleep(period)

    def close(self) -> None:
        """Bring in what can be brought in now, and let go of the state file."""
        try:
            self.flush()
        except BrainError as error:
            _log.warning("%d bytes of rows stay in the state file for the next start: %s", self._waiting, error)
        self._state.close()

    def _write(self, lake: LakeWriter, schema: TableSchema, pending: Sequence[Pending]) -> None:
        """One commit for all waiting batches of one table; none where a process that died has made it already."""
        there = lake.last_batch(schema, self._state.writer)
        missing = [_decode(each.rows) for each in pending if there is None or each.number > there]
        if missing:
            lake.append(schema, pa.concat_tables(missing), LakeBatch(self._state.writer, pending[-1].number))

    def _confirm(self, pending: Sequence[Pending]) -> None:
        with self._guard:
            self._state.confirmed(pending[-1].number)
            self._waiting = max(0, self._waiting - sum(len(each.rows) for each in pending))


class BacklogFull(TemporaryError):  # noqa: N818 - a state rather than an error
    """There is no room for more rows until the lake takes some."""


def _encode(schema: TableSchema, rows: pa.Table) -> bytes:
    """As an Arrow IPC stream; rows that do not fit fail here, where their maker is told."""
    rows = complete(schema, rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(rows)
    return bytes(sink.getvalue())


def _decode(rows: bytes) -> pa.Table:
    return pa.ipc.open_stream(rows).read_all()
