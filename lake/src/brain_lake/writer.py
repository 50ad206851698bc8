"""Appending to the lake: one atomic commit a call; a reader never sees half of it.

A writer that may be killed at any moment gives each batch a number: Delta keeps the last number of each writer in
the same commit as the rows (https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers), so
that it can find out afterwards whether its last batch came in.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import ColumnProperties, CommitProperties, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError

from brain_common.errors import InputError
from brain_lake.config import LakeSettings
from brain_lake.foreign import ConflictError, told, translated
from brain_lake.location import LakeLocation
from brain_lake.schemas import PARTITIONS, TableSchema
from brain_lake.tables import OpenTables

ROW_GROUP: Final = 8192
"""Rows that are read or skipped together; few enough that one thing's rows are found without reading all others'."""

UNLIKE: Final = ("record", "event_id", "details", "change_id", "body", "span_id", "attributes")
FILE_PROPERTIES: Final = WriterProperties(
    compression="ZSTD",
    max_row_group_size=ROW_GROUP,
    default_column_properties=ColumnProperties(dictionary_enabled=True),
    # Hardly two are alike: a dictionary of them would be built in vain.
    column_properties=dict.fromkeys(UNLIKE, ColumnProperties(dictionary_enabled=False)),
)
# Kept with a table from its first commit on. A commit of each exporter every few seconds is a hundred thousand a week:
# the log is summed up every hundred, and what was summed up is deleted after a day.
_TABLE: Final = {
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 1 days",
    "delta.enableExpiredLogCleanup": "true",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}
_ATTEMPTS: Final = 8  # for a commit; deltalake tries by itself as well, but not where two writers make the table
_LONGEST_NAME: Final = 240  # bytes of a cluster's name as the file system sees it


@dataclass(frozen=True, slots=True)
class Batch:
    """Names one batch of one writer; ``number`` grows from batch to batch."""

    writer: str
    number: int


class LakeWriter:
    """Writes the tables of one lake; blocking, so called in a thread. One writer may be used by several threads.

    Args:
        location: Which lake.
        sleep: Waits between attempts; an argument so that tests need no time.
    """

    def __init__(self, location: LakeLocation, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._tables = OpenTables(location)
        self._sleep = sleep

    def append(self, schema: TableSchema, rows: pa.Table, batch: Batch | None = None) -> None:
        """Add rows in one commit. No rows are no commit, unless a batch is to be remembered.

        Args:
            schema: Which table.
            rows: Its columns, in any order; nullable ones may be left out.
            batch: Kept with the rows, for ``last_batch``.

        Raises:
            InputError: A column is missing or of another type.
            TemporaryError: The table cannot be written now: retry. Of a batch ask ``last_batch`` first, the commit
                may have come in without our hearing of it.
            PermanentError: It cannot be written until somebody changes something: access denied, no such bucket.
        """
        stored = _stored(schema, rows)
        if stored.num_rows == 0 and batch is None:
            return None
        for attempt in range(_ATTEMPTS):
            try:
                with self._tables.lock, translated(schema):
                    return self._commit(schema, stored, batch)
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                if batch and self._came_in(schema, batch):
                    return None  # it was our own commit that was in the way: its answer got lost
            self._sleep(0.05 * 2**attempt * (0.5 + 0.5 * random.random()))  # noqa: S311 - no secret
        return None

    def last_batch(self, schema: TableSchema, writer: str) -> int | None:
        """Number of the last batch of ``writer`` in a table; None when there is none.

        Raises:
            TemporaryError: The table cannot be read now.
            PermanentError: It cannot be read until somebody changes something.
        """
        with self._tables.lock, translated(schema):
            table = self._tables.newest(schema)
            return None if table is None else table.transaction_version(writer)

    def _came_in(self, schema: TableSchema, batch: Batch) -> bool:
        last = self.last_batch(schema, batch.writer)
        return last is not None and last >= batch.number

    def _commit(self, schema: TableSchema, stored: pa.Table, batch: Batch | None) -> None:
        transactions = [Transaction(batch.writer, batch.number)] if batch else None
        table = self._tables.newest(schema)
        location = self._tables.location
        try:
            write_deltalake(
                location.uri(schema) if table is None else table,
                stored,
                mode="append",
                partition_by=list(PARTITIONS),
                schema_mode="merge",  # a table of an older version gets the columns that it lacks
                configuration=None
                if table is not None
                else _TABLE | {"delta.dataSkippingStatsColumns": _statistics(schema)},
                storage_options=None if table is not None else dict(location.options),
                writer_properties=FILE_PROPERTIES,
                commit_properties=CommitProperties(app_transactions=transactions),
            )
        except TableNotFoundError as error:  # so deltalake says that it could not make the folder
            raise told(schema, error) from error
        except BaseException:
            self._tables.forget(schema)  # what is held may be behind, or half changed
            raise


def open_writer(settings: LakeSettings) -> LakeWriter:
    """A writer to the configured lake; nothing is reached yet."""
    return LakeWriter(LakeLocation.of(settings))


def complete(schema: TableSchema, rows: pa.Table) -> pa.Table:
    """The columns of the table in their order, nullable ones that are not there filled with nulls.

    Raises:
        InputError: A column is missing, of another type, or has no value where it must; or a name is too long.
    """
    for field in schema.columns:
        if field.nullable and field.name not in rows.schema.names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    try:
        ordered = rows.select(schema.columns.names).cast(schema.columns)
        ordered.validate(full=True)
    except (KeyError, pa.ArrowException, ValueError) as error:
        raise InputError(f"lake table {schema.name}: {error}") from error
    _check_names(schema, ordered)
    return ordered


def _stored(schema: TableSchema, rows: pa.Table) -> pa.Table:
    """As the table keeps them: the columns of the partitions added, in the order of the files."""
    ordered = complete(schema, rows)
    moment = ordered.column("timestamp")
    return (
        ordered.append_column("date", pc.strftime(moment, format="%Y-%m-%d").cast(pa.string()))
        .append_column("hour", pc.hour(moment).cast(pa.int32()))
        .cast(schema.stored)
        .sort_by([(name, "ascending") for name in schema.sort_by])
    )


def _check_names(schema: TableSchema, rows: pa.Table) -> None:
    """A cluster is a folder, and the name of a folder has its limit."""
    for cluster in rows.column("cluster").unique().to_pylist():
        if len(quote(cluster.encode(), safe="")) > _LONGEST_NAME:
            raise InputError(f"lake table {schema.name}: the name of a cluster is too long: {cluster[:60]}…")


def _statistics(schema: TableSchema) -> str:
    """Columns whose least and greatest value the log keeps of each file; it is no place for a message of a megabyte."""
    return ",".join(dict.fromkeys(("timestamp", *schema.sort_by)))
