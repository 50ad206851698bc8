"""Rows of workers as Arrow, but for those that would harm the lake.

Senders choose times and names of clusters, and each hour of each cluster is a folder: a sender that is wrong about the
time, or hostile, could make thousands of them, for centuries ahead where no retention comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
import pyarrow as pa

from brain_common.errors import InputError
from brain_lake.schemas import TableSchema

MOST_FOLDERS: Final = 200  # one commit may touch; a day of eight clusters
_OLDEST: Final = 7 * 86_400.0  # seconds: what a sender's queue may have held
_AHEAD: Final = 3_600.0  # seconds: a clock that is wrong
_LONGEST_CLUSTER: Final = 240  # bytes, as the name of a folder
_HOUR: Final = 3_600_000_000  # µs
_decoder: Final = msgspec.msgpack.Decoder(list[list[Any]])


class Admission:
    """Decides for the rows of one commit.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(self, now: float) -> None:
        self._oldest, self._newest = (now - _OLDEST) * 1e6, (now + _AHEAD) * 1e6
        self._folders: set[tuple[str, int]] = set()

    def admit(self, encoded: msgspec.Raw) -> tuple[list[list[Any]], Mapping[str, int]]:
        """The rows that may be written, and by reason how many may not."""
        good, left_out = [], Counter[str]()
        for row in _decoder.decode(encoded):
            reason = self._against(row[0], row[1])
            if reason:
                left_out[reason] += 1
            else:
                good.append(row)
        return good, left_out

    def _against(self, at: int, cluster: str) -> str:
        if not self._oldest <= at <= self._newest:
            return "time"
        folder = (cluster, at // _HOUR)
        if folder not in self._folders:
            if len(self._folders) >= MOST_FOLDERS or len(quote(cluster, safe="")) > _LONGEST_CLUSTER:
                return "partitions"
            self._folders.add(folder)
        return ""


def as_table(schema: TableSchema, rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows in the order of the columns.

    Raises:
        InputError: They are none of this table.
    """
    try:
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(schema.columns)
        arrays = [pa.array(values, kind.type) for values, kind in zip(columns, schema.columns, strict=True)]
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise InputError(f"lake table {schema.name}: {error}") from error
    return pa.Table.from_arrays(arrays, schema=schema.columns)
