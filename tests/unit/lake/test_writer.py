"""Appending: what comes in comes out, once, whatever it holds and whoever else writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from hypothesis import example, given, settings
from hypothesis import strategies as st

import brain_lake.writer
from brain_common.errors import InputError, TemporaryError
from brain_lake.location import LakeLocation
from brain_lake.schemas import EDGES, EVENTS, TABLES, TableSchema
from brain_lake.writer import Batch, LakeWriter
from tests.unit.lake.rows import START, edge_rows, event_rows, lake, sample_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_was_written_to_any_table_is_read(table: TableSchema, tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    writer.append(table, sample_rows(table, [START, START + 1]))
    found = reader.rows(table, START, START + 60)
    assert found.schema.names == table.columns.names
    assert found.schema.types == table.columns.types
    assert found.num_rows == 2


@given(cluster=TEXT, name=TEXT, message=TEXT)
@settings(max_examples=40)
@example("a/b", "'; DROP TABLE events; --", 'say "hi"')
@example("100%", "x%2Fy", "\\")
@example("", "", "")
@example("*[x]?{y}", "☃", "\x00\n\r\t")
@example("..", ".", "~")
@example("a+b", "+", "%2B")
@example("a=b&c#d e", "a=b", "$files")
def test_any_text_comes_out_as_it_came_in(cluster: str, name: str, message: str) -> None:
    with TemporaryDirectory() as folder:
        writer, reader = lake(Path(folder) / "a folder=x ü" / "lake")
        writer.append(EVENTS, event_rows([START], cluster=cluster, name=name, message=message))
        writer.append(EVENTS, event_rows([START], cluster="another", name="another"))
        found = reader.rows(EVENTS, START, START + 1, {"cluster": cluster, "name": name, "message": message})
        assert [(row["cluster"], row["name"], row["message"]) for row in found.to_pylist()] == [
            (cluster, name, message)
        ]


def test_a_message_of_a_megabyte_does_not_go_into_the_log(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    writer.append(EVENTS, event_rows([START], message="ü" * 500_000))
    assert len(reader.rows(EVENTS, START, START + 1)["message"][0].as_py()) == 500_000
    assert (tmp_path / "events/_delta_log/00000000000000000000.json").stat().st_size < 10_000


def test_one_batch_of_many_hours_is_one_commit(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    hours = [START + 3600 * hour for hour in range(-60, 60)]
    writer.append(EVENTS, event_rows(hours))
    assert DeltaTable(tmp_path / "events").version() == 0
    assert reader.rows(EVENTS, hours[0], hours[-1] + 1).num_rows == 120


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (edge_rows(1).drop_columns(["edge_kind"]), "edge_kind"),
        (edge_rows(1).set_column(0, "timestamp", pa.array(["today"])), "today"),
        (edge_rows(1).set_column(1, "cluster", pa.array([None], pa.string())), "with null values to non-nullable"),
        (edge_rows(1).set_column(1, "cluster", pa.array(["ü" * 200])), "the name of a cluster is too long: ü"),
    ],
)
def test_what_a_table_cannot_hold_is_refused_before_anything_is_written(
    rows: pa.Table, message: str, tmp_path: Path
) -> None:
    writer, _ = lake(tmp_path)
    with pytest.raises(InputError, match=r"^lake table edges: ") as caught:
        writer.append(EDGES, rows)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_rows_are_no_commit(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    writer.append(EDGES, edge_rows(0))
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_a_batch_is_kept_with_its_rows(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    assert writer.last_batch(EDGES, "exporter-1") is None
    writer.append(EDGES, edge_rows(1), Batch("exporter-1", 7))
    writer.append(EDGES, edge_rows(1), Batch("exporter-2", 1))
    writer.append(EDGES, edge_rows(1))
    again, _ = lake(tmp_path)
    assert [again.last_batch(EDGES, f"exporter-{number}") for number in (1, 2, 3)] == [7, 1, None]


def older(schema: TableSchema, *without: str) -> TableSchema:
    columns = pa.schema([field for field in schema.columns if field.name not in without])
    return TableSchema(schema.name, columns, schema.about, schema.sort_by)


def test_a_table_of_an_older_version_gets_the_new_columns(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    writer.append(older(EVENTS, "host", "count"), event_rows([START]))
    assert reader.rows(EVENTS, START, START + 9)["host"].to_pylist() == [None]
    assert reader.rows(EVENTS, START, START + 9, {"host": "node-1"}).num_rows == 0
    writer.append(EVENTS, event_rows([START + 1], host="node-1"))
    assert reader.rows(EVENTS, START, START + 9)["host"].to_pylist() == [None, "node-1"]
    assert reader.rows(EVENTS, START, START + 9, {"host": "node-1"}).num_rows == 1


def test_an_older_version_still_writes_to_a_newer_table(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    writer.append(EVENTS, event_rows([START], host="node-1"))
    LakeWriter(LakeLocation.local(tmp_path)).append(older(EVENTS, "host"), event_rows([START + 1]))
    assert reader.rows(EVENTS, START, START + 9)["host"].to_pylist() == ["node-1", None]


def test_writers_that_make_the_same_table_at_once_all_come_in(tmp_path: Path) -> None:
    def write(number: int) -> None:
        writer, _ = lake(tmp_path)
        for batch in range(5):
            writer.append(EDGES, edge_rows(1), Batch(f"w{number}", batch))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert DeltaTable(tmp_path / "edges").count() == 30


def losing_answers(monkeypatch: pytest.MonkeyPatch, *, after_commit: bool, times: int) -> list[int]:
    """The first commits fail with a conflict, before or after they came in; the list has one entry for each try."""
    tries: list[int] = []

    def write(*given: Any, **more: Any) -> None:
        tries.append(1)
        lost = len(tries) <= times
        if after_commit or not lost:
            write_deltalake(*given, **more)
        if lost:
            raise CommitFailedError("Concurrent transaction failed.")

    monkeypatch.setattr(brain_lake.writer, "write_deltalake", write)
    return tries


def test_a_conflict_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries, pauses = losing_answers(monkeypatch, after_commit=False, times=3), list[float]()
    LakeWriter(LakeLocation.local(tmp_path), sleep=pauses.append).append(EDGES, edge_rows(1))
    assert (len(tries), len(pauses)) == (4, 3)
    assert DeltaTable(tmp_path / "edges").count() == 1


def test_a_batch_whose_answer_was_lost_is_not_written_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = losing_answers(monkeypatch, after_commit=True, times=1)
    LakeWriter(LakeLocation.local(tmp_path), sleep=lambda _: None).append(EDGES, edge_rows(1), Batch("w", 0))
    assert len(tries) == 1
    assert DeltaTable(tmp_path / "edges").count() == 1


def test_conflicts_without_end_are_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losing_answers(monkeypatch, after_commit=False, times=99)
    with pytest.raises(TemporaryError, match="lake table edges: Concurrent"):
        LakeWriter(LakeLocation.local(tmp_path), sleep=lambda _: None).append(EDGES, edge_rows(1))


def test_the_log_is_summed_up_and_does_not_slow_down_the_next_commit(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    for number in range(101):
        writer.append(EDGES, edge_rows(1), Batch("w", number))
    assert list((tmp_path / "edges/_delta_log").glob("*.checkpoint.parquet")) != []
    assert lake(tmp_path)[0].last_batch(EDGES, "w") == 100
