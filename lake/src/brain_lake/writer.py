"""Appending to the lake: one atomic commit a call; a reader never sees half of it.

A writer that may be killed at any moment gives each batch a number: Delta keeps the last number of each writer in
the same commit as the rows (https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers), so
that it can find out afterwards whether its last batch came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from brain_common.errors import InputError, TemporaryError
from brain_lake.config import LakeSettings
from brain_lake.schemas import PARTITIONS, TableSchema


@dataclass(frozen=True, slots=True)
class Batch:
    """Names one batch of one writer; ``number`` grows from batch to batch."""

    writer: str
    number: int


class LakeWriter:
    """Writes tables below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, schema: TableSchema, rows: pa.Table, batch: Batch | None = None) -> None:
        """Add rows in one commit.

        Args:
            schema: Which table.
            rows: Its columns, in any order; nullable ones may be left out.
            batch: Kept with the rows, for ``last_batch``.

        Raises:
            InputError: A column is missing or of another type.
            TemporaryError: The table cannot be written.
        """
        stored = _stored(schema, rows)
        transactions = [Transaction(batch.writer, batch.number)] if batch else None
        try:
            write_deltalake(
                str(self._root / schema.name),
                stored,
                mode="append",
                partition_by=list(PARTITIONS),
                commit_properties=CommitProperties(app_transactions=transactions),
            )
        except (DeltaError, OSError) as error:
            raise TemporaryError(f"lake table {schema.name}: {str(error).splitlines()[0]}") from error

    def last_batch(self, schema: TableSchema, writer: str) -> int | None:
        """Number of the last batch of ``writer`` in a table; None when there is none.

        Raises:
            TemporaryError: The table cannot be read.
        """
        try:
            return DeltaTable(str(self._root / schema.name)).transaction_version(writer)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError, ValueError) as error:
            raise TemporaryError(f"lake table {schema.name}: {str(error).splitlines()[0]}") from error


def complete(schema: TableSchema, rows: pa.Table) -> pa.Table:
    """The columns of the table in their order, nullable ones that are not there filled with nulls.

    Raises:
        InputError: A column is missing or of another type.
    """
    for field in schema.columns:
        if field.nullable and field.name not in rows.schema.names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    try:
        return rows.select(schema.columns.names).cast(schema.columns)
    except (KeyError, pa.ArrowException, ValueError) as error:
        raise InputError(f"lake table {schema.name}: {error}") from error


def _stored(schema: TableSchema, rows: pa.Table) -> pa.Table:
    """As the table keeps them: those of the partitions added."""
    ordered = complete(schema, rows)
    moment = ordered.column("timestamp")
    return (
        ordered.append_column("date", pc.strftime(moment, format="%Y-%m-%d").cast(pa.string()))
        .append_column("hour", pc.hour(moment).cast(pa.int32()))
        .cast(schema.stored)
    )


def open_writer(settings: LakeSettings) -> LakeWriter:
    """A writer for the configured place."""
    return LakeWriter(settings.path)
