"""Reading windows: exactly the rows that were asked for, from the files that can have them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_common.errors import InputError, TemporaryError
from brain_lake.pruning import Window, of_files
from brain_lake.schemas import CHANGES, EVENTS, METRICS, TABLES, TableSchema
from tests.unit.lake.rows import START, event_rows, lake, sample_rows

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_that_nobody_has_written_is_empty(table: TableSchema, tmp_path: Path) -> None:
    _, reader = lake(tmp_path / "nowhere")
    found = reader.rows(table, START, START + DAY)
    assert (found.num_rows, found.schema.names) == (0, table.columns.names)


@given(
    minutes=st.lists(st.integers(-3 * 1440, 3 * 1440), min_size=1, max_size=20),
    start=st.integers(-3 * 1440, 3 * 1440),
    length=st.integers(-60, 3 * 1440),
)
@settings(max_examples=40)
def test_a_window_has_its_rows_and_no_others(minutes: list[int], start: int, length: int) -> None:
    times = [START + minute * MINUTE for minute in minutes]
    begin, end = START + start * MINUTE, START + (start + length) * MINUTE
    with TemporaryDirectory() as folder:
        writer, reader = lake(Path(folder))
        writer.append(EVENTS, event_rows(times))
        found = [at.timestamp() for at in reader.rows(EVENTS, begin, end)["timestamp"].to_pylist()]
    assert found == sorted(at for at in times if begin <= at < end)


def test_only_the_hours_and_clusters_of_the_window_are_read(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for hour in range(-30, 30):
        writer.append(EVENTS, event_rows([START + hour * HOUR]))
    writer.append(EVENTS, event_rows([START], cluster="other"))
    kept = {"cluster=c1/date=2026-09-14/hour=9", "cluster=c1/date=2026-09-14/hour=10"}
    for path in tmp_path.glob("events/cluster=*/*/*"):
        if str(path.relative_to(tmp_path / "events")) not in kept:
            shutil.rmtree(path)
    assert reader.rows(EVENTS, START, START + 2 * HOUR - 1, {"cluster": "c1"}).num_rows == 2


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (START, START + 1, "(date = '2026-09-14' AND hour >= 9 AND hour <= 9)"),
        (
            START,
            START + DAY,
            "((date = '2026-09-14' AND hour >= 9) OR (date = '2026-09-15' AND hour <= 9))",
        ),
        (
            START,
            START + 2 * DAY,
            "((date = '2026-09-14' AND hour >= 9) OR (date = '2026-09-16' AND hour <= 9)"
            " OR (date > '2026-09-14' AND date < '2026-09-16'))",
        ),
    ],
)
def test_the_hours_of_a_window(start: float, end: float, hours: str) -> None:
    assert of_files(Window(start, end)).startswith(f"{hours} AND timestamp >= ")


def test_the_latest_rows_come_oldest_first_and_no_more_than_asked(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for minute in (5, 1, 3, 2, 4):
        writer.append(EVENTS, event_rows([START + minute * MINUTE], reason=f"r{minute}"))
    found = reader.rows(EVENTS, START, START + HOUR, columns=("reason",), limit=3)
    assert found.to_pydict() == {"reason": ["r3", "r4", "r5"]}


def test_one_thing_is_asked_for_by_its_names(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for name in ("cart", "ledger"):
        writer.append(EVENTS, event_rows([START], name=name))
        writer.append(EVENTS, event_rows([START], name=name, namespace="bank"))
    where = {"cluster": "c1", "namespace": "bank", "kind": "service", "name": "ledger"}
    found = reader.rows(EVENTS, START, START + 1, where)
    assert [{name: row[name] for name in where} for row in found.to_pylist()] == [where]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"where": {"colour": "red"}}, "no column of text named colour"),
        ({"where": {"count": "3"}}, "no column of text named count"),
        ({"columns": ("name", "colour")}, "has no columns colour"),
        ({"limit": 0}, "between 1 and 100000 rows"),
        ({"limit": 100_001}, "between 1 and 100000 rows"),
        ({"start": -1.0}, "seconds since the epoch"),
        ({"end": START * 1000}, "seconds since the epoch"),
        ({"start": float("nan")}, "seconds since the epoch"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: dict[str, object], message: str, tmp_path: Path) -> None:
    _, reader = lake(tmp_path)
    with pytest.raises(InputError, match=message):
        reader.rows(EVENTS, **{"start": START, "end": START + 1, **arguments})  # type: ignore[arg-type]


def test_events_and_changes_come_together_in_order(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    assert reader.events(START, START + HOUR).num_rows == 0
    writer.append(EVENTS, event_rows([START + 2], type="Warning", reason="BackOff", message="crashed", actor=""))
    change = {"name": "cart", "change_kind": "sync", "title": "synced to 4711", "actor": "alex", "cluster": ""}
    writer.append(CHANGES, sample_rows(CHANGES, [START + 1], **change))
    found = reader.events(START, START + HOUR).to_pylist()
    names = ("at", "cluster", "name", "type", "reason", "message", "actor")
    assert [tuple(row[name] for name in names) for row in found] == [
        (START + 1, "", "cart", "change", "sync", "synced to 4711", "alex"),
        (START + 2, "c1", "cart", "Warning", "BackOff", "crashed", ""),
    ]


def test_of_very_many_events_and_changes_the_latest_thousand_are_told(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    times = [START + second for second in range(800)]
    writer.append(EVENTS, event_rows(times))
    writer.append(CHANGES, sample_rows(CHANGES, times))
    found = reader.events(START, START + HOUR)
    assert (found.num_rows, found["at"][0].as_py()) == (1000, START + 300)


def test_samples_are_averaged_by_step(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    rows = sample_rows(METRICS, [START, START + 5, START + 15], signal="cpu")
    writer.append(METRICS, rows.set_column(rows.schema.names.index("value"), "value", pa.array([1.0, 3.0, 9.0])))
    found = reader.metrics(START, START + 30, 15.0)
    assert list(zip(found["at"].to_pylist(), found["value"].to_pylist(), strict=True)) == [
        (START, 2.0),
        (START + 15, 9.0),
    ]


def test_a_reader_sees_what_was_written_since(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for count in range(1, 5):
        writer.append(EVENTS, event_rows([START]))
        assert reader.rows(EVENTS, START, START + 1).num_rows == count


def test_a_table_that_was_made_anew_is_read_anew(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for _ in range(3):
        writer.append(EVENTS, event_rows([START]))
    assert reader.rows(EVENTS, START, START + 1).num_rows == 3
    shutil.rmtree(tmp_path / "events")
    lake(tmp_path)[0].append(EVENTS, event_rows([START]))
    assert reader.rows(EVENTS, START, START + 1).num_rows == 1


def test_one_reader_serves_several_threads(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    writer.append(EVENTS, event_rows([START + second for second in range(100)]))
    with ThreadPoolExecutor(8) as pool:
        counts = pool.map(lambda second: reader.rows(EVENTS, START + second, START + 100).num_rows, range(100))
        assert list(counts) == list(range(100, 0, -1))


def test_a_lake_in_a_folder_that_looks_like_a_partition(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path / "cluster=x" / "hour=3")
    writer.append(EVENTS, event_rows([START]))
    assert reader.rows(EVENTS, START, START + 1)["cluster"].to_pylist() == ["c1"]


def test_a_damaged_log_is_temporary_and_names_the_table(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    writer.append(EVENTS, event_rows([START]))
    (tmp_path / "events/_delta_log/00000000000000000000.json").write_text("garbage")
    _, reader = lake(tmp_path)
    with pytest.raises(TemporaryError, match=r"^lake table events: "):
        reader.rows(EVENTS, START, START + 1)
