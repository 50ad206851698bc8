"""The tables: every column says what it is, and what is only for people stays out of the files."""

from __future__ import annotations

import pyarrow as pa
import pytest

from brain_lake.names import TABLE_NAMES
from brain_lake.schemas import EVENTS, PARTITIONS, TABLES, TableSchema

ENTITY = ["cluster", "namespace", "kind", "name"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_says_what_it_is(table: TableSchema) -> None:
    assert table.about
    assert [column.name for column in table.described() if not column.meaning] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_numbers_and_times_have_a_unit(table: TableSchema) -> None:
    numbers = [column for column in table.described() if column.kind in ("double", "int64", "int32", "timestamp")]
    assert [column.name for column in numbers if not column.unit] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_what_it_is_partitioned_by(table: TableSchema) -> None:
    assert table.columns.names[0] == "timestamp"
    assert set(PARTITIONS) <= set(table.stored.names)
    assert set(table.sort_by) <= set(table.columns.names)
    assert table.name == "edges" or table.columns.names[1:5] == ENTITY


def test_what_a_column_means_stays_out_of_the_files() -> None:
    assert all(field.metadata is None for field in EVENTS.stored)
    assert EVENTS.stored.field("cluster").nullable
    assert not EVENTS.columns.field("cluster").nullable


def test_a_list_is_described_with_what_it_holds() -> None:
    table = TableSchema("any", pa.schema([pa.field("rules", pa.list_(pa.string()))]))
    assert next(iter(table.described())).kind == "list of string"


def test_settings_know_every_table() -> None:
    assert tuple(table.name for table in TABLES) == TABLE_NAMES
