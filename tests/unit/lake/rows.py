"""Rows for tests of the lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import EDGES, EVENTS, TableSchema
from brain_lake.writer import LakeWriter

START = 1_789_376_400.0
"""Monday 14 September 2026, 09:00 UTC."""


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def sample_rows(schema: TableSchema, at: Sequence[float], **given: str) -> pa.Table:
    """One row for each time, with a value in every column that has to have one."""
    columns: dict[str, pa.Array] = {}
    for field in schema.columns:
        if field.name == "timestamp" or (pa.types.is_timestamp(field.type) and not field.nullable):
            columns[field.name] = pa.array([moment(one) for one in at], field.type)
        elif pa.types.is_string(field.type) and (not field.nullable or field.name in given):
            columns[field.name] = pa.array([given.get(field.name, field.name)] * len(at))
        elif not field.nullable:
            columns[field.name] = pa.array([1] * len(at)).cast(field.type)
    return pa.table(columns)


def event_rows(at: Sequence[float], **given: str) -> pa.Table:
    return sample_rows(
        EVENTS, at, **({"cluster": "c1", "namespace": "shop", "kind": "service", "name": "cart"} | given)
    )


def edge_rows(count: int, at: float = START) -> pa.Table:
    return sample_rows(EDGES, [at] * count, cluster="c1")


def lake(folder: Path) -> tuple[LakeWriter, LakeReader]:
    location = LakeLocation.local(folder)
    return LakeWriter(location), LakeReader(location)
