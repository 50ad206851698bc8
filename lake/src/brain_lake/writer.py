"""Appending to the lake: one atomic commit a call; a reader never sees half of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from brain_common.errors import InputError, TemporaryError
from brain_lake.schemas import PARTITIONS, TableSchema


class LakeWriter:
    """Writes tables below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, schema: TableSchema, rows: pa.Table) -> None:
        """Add rows in one commit.

        Args:
            schema: Which table.
            rows: Its columns, in any order.

        Raises:
            InputError: A column is missing or of another type.
            TemporaryError: The table cannot be written.
        """
        try:
            ordered = rows.select(schema.columns.names).cast(schema.columns)
        except (KeyError, pa.ArrowException, ValueError) as error:
            raise InputError(f"lake table {schema.name}: {error}") from error
        moment = ordered.column("timestamp")
        stored = ordered.append_column("date", pc.strftime(moment, format="%Y-%m-%d").cast(pa.string())).append_column(
            "hour", pc.hour(moment).cast(pa.int32())
        )
        try:
            write_deltalake(
                str(self._root / schema.name),
                stored.cast(schema.stored),
                mode="append",
                partition_by=list(PARTITIONS),
            )
        except (DeltaError, OSError) as error:
            raise TemporaryError(f"lake table {schema.name}: {str(error).splitlines()[0]}") from error
