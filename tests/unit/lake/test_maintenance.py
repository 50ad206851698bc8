"""Upkeep: fewer files, the same rows; nothing is taken from a reader; done twice, it is done once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deltalake import DeltaTable

from brain_common.clock import ManualClock
from brain_common.errors import BrainError
from brain_lake.config import UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Maintenance
from brain_lake.schemas import COST, EDGES, EVENTS, TABLES, TableSchema
from tests.unit.lake.rows import START, edge_rows, event_rows, lake, sample_rows

HOUR, DAY = 3600.0, 86400.0


def maintenance(folder: Path, now: float, **settings: object) -> Maintenance:
    upkeep = UpkeepSettings.model_validate(settings)
    return Maintenance(LakeLocation.local(folder), upkeep, ManualClock(now))


def fill(folder: Path, hours: range, commits: int = 3, **given: str) -> None:
    writer, _ = lake(folder)
    for hour in hours:
        for number in range(commits):
            writer.append(EVENTS, event_rows([START + hour * HOUR + number], **given))


def everything(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = lake(folder)[1].rows(EVENTS, 0, START + 90 * DAY, limit=100_000).to_pylist()
    return found


def files(folder: Path) -> int:
    return len(DeltaTable(folder / "events").file_uris())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_be_kept(table: TableSchema, tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for _ in range(3):
        writer.append(table, sample_rows(table, [START]))
    now = maintenance(tmp_path, START + 2 * HOUR)
    compacted, status = now.compact(table), now.status(table)
    assert compacted
    assert (compacted.files_before, compacted.files_after) == (3, 1)
    assert status
    assert (status.rows, status.files, status.open_partitions) == (3, 1, 0)
    assert now.checkpoint(table)
    assert reader.rows(table, START, START + 1).num_rows == 3


def test_a_table_that_nobody_has_written_is_nothing_to_do(tmp_path: Path) -> None:
    now = maintenance(tmp_path, START)
    assert (now.status(EVENTS), now.compact(EVENTS), now.retain(EVENTS), now.vacuum(EVENTS)) == (None,) * 4
    assert not now.checkpoint(EVENTS)
    assert list(tmp_path.iterdir()) == []


def test_hours_that_are_over_are_joined_and_the_open_one_is_not(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    rows, now = everything(tmp_path), maintenance(tmp_path, START + 2 * HOUR + 700)
    result = now.compact(EVENTS)
    assert result
    assert (result.partitions, result.files_before, result.files_after) == (2, 6, 2)
    assert (files(tmp_path), everything(tmp_path)) == (5, rows)


def test_an_hour_is_over_only_after_late_events_had_their_time(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    early, late = maintenance(tmp_path, START + HOUR + 599), maintenance(tmp_path, START + HOUR + 600)
    assert [one and one.partitions for one in (early.compact(EVENTS), late.compact(EVENTS))] == [0, 1]


def test_compacting_again_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    now = maintenance(tmp_path, START + DAY)
    now.compact(EVENTS)
    version, again = DeltaTable(tmp_path / "events").version(), now.compact(EVENTS)
    assert again
    assert again.partitions == 0
    assert DeltaTable(tmp_path / "events").version() == version


@pytest.mark.parametrize("cluster", ["", "a/b", "100%", "it's", "x%2Fy", "ü ☃"])
def test_clusters_of_any_name_are_joined(cluster: str, tmp_path: Path) -> None:
    fill(tmp_path, range(1), cluster=cluster)
    rows, result = everything(tmp_path), maintenance(tmp_path, START + DAY).compact(EVENTS)
    assert result
    assert (result.files_before, result.files_after) == (3, 1)
    assert everything(tmp_path) == rows


def test_in_the_background_old_hours_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    now = maintenance(tmp_path, START + 9 * DAY)
    assert [one and one.partitions for one in (now.compact(EVENTS), now.compact(EVENTS, every=True))] == [0, 1]


def test_a_joined_file_is_ordered_by_name(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    for name in ("c", "a", "b"):
        writer.append(EVENTS, event_rows([START], name=name))
    maintenance(tmp_path, START + DAY).compact(EVENTS)
    assert DeltaTable(tmp_path / "events").to_pyarrow_table()["name"].to_pylist() == ["a", "b", "c"]


def test_two_processes_that_compact_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    fill(tmp_path, range(4))
    rows, writer = everything(tmp_path), lake(tmp_path)[0]
    several = [maintenance(tmp_path, START + DAY) for _ in range(4)]
    with ThreadPoolExecutor(5) as pool:
        results = [pool.submit(one.compact, EVENTS) for one in several]
        pool.submit(writer.append, EVENTS, event_rows([START + 2 * HOUR])).result()
        joined = [result.result() for result in results]
    assert 3 <= sum(one.partitions for one in joined if one) <= 5
    assert len(everything(tmp_path)) == len(rows) + 1
    maintenance(tmp_path, START + DAY).compact(EVENTS)
    assert files(tmp_path) == 4


def test_a_compaction_that_comes_second_is_counted_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, range(2))
    slow, quick = maintenance(tmp_path, START + DAY), maintenance(tmp_path, START + DAY)
    stale = DeltaTable(tmp_path / "events")
    monkeypatch.setattr(slow._tables, "newest", lambda _: stale)
    quick.compact(EVENTS)
    rows, result = everything(tmp_path), slow.compact(EVENTS)
    assert result
    assert (result.partitions, result.conflicts) == (0, 2)
    assert everything(tmp_path) == rows


def test_what_is_older_than_its_days_is_deleted_by_whole_dates(tmp_path: Path) -> None:
    fill(tmp_path, range(-24, 48, 24), commits=1)
    now = maintenance(tmp_path, START + 30 * DAY)
    planned = now.retain(EVENTS, dry_run=True)
    assert planned
    assert (planned.before, planned.partitions, files(tmp_path)) == ("2026-09-14", 1, 3)
    assert now.retain(EVENTS) == planned
    assert [row["timestamp"].timestamp() for row in everything(tmp_path)] == [START, START + DAY]  # type: ignore[attr-defined]
    again = now.retain(EVENTS)
    assert again
    assert again.partitions == 0


def test_a_table_may_have_days_of_its_own(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    for table in (COST, EDGES):
        writer.append(table, sample_rows(table, [START]))
    now = maintenance(tmp_path, START + 31 * DAY, retention_days_of={"cost": 400})
    assert [one and one.partitions for one in (now.retain(COST), now.retain(EDGES))] == [0, 1]


def age(folder: Path, hours: float) -> None:
    """As if everything had been written that long ago."""
    for path in folder.rglob("*.parquet"):
        then = path.stat().st_mtime - hours * HOUR
        os.utime(path, (then, then))


def test_a_reader_that_has_begun_keeps_its_files_until_the_vacuum(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    begun = DeltaTable(tmp_path / "events")
    now = maintenance(tmp_path, START + DAY)
    now.compact(EVENTS)
    now.vacuum(EVENTS)
    assert begun.to_pyarrow_table().num_rows == 6


def test_files_of_a_writer_that_died_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    folder = next((tmp_path / "events").glob("cluster=*/*/*"))
    (folder / "part-dead.parquet").write_bytes(b"half a file")
    now = maintenance(tmp_path, START + DAY)
    young = now.vacuum(EVENTS)
    assert young
    assert young.files == 0
    age(folder, 25)
    planned = now.vacuum(EVENTS, dry_run=True)
    assert planned
    assert (planned.files, (folder / "part-dead.parquet").exists()) == (1, True)
    assert now.vacuum(EVENTS) == planned
    assert not (folder / "part-dead.parquet").exists()
    assert len(everything(tmp_path)) == 3


def test_a_damaged_table_is_told(tmp_path: Path) -> None:
    fill(tmp_path, range(1), commits=1)
    (tmp_path / "events/_delta_log/00000000000000000000.json").write_text("garbage")
    with pytest.raises(BrainError, match=r"^lake table events: "):
        maintenance(tmp_path, START + DAY).compact(EVENTS)


def test_a_batch_keeps_its_number_through_upkeep(tmp_path: Path) -> None:
    from brain_lake.writer import Batch

    writer, _ = lake(tmp_path)
    for number in range(3):
        writer.append(EDGES, edge_rows(1), Batch("w", number))
    now = maintenance(tmp_path, START + DAY)
    now.compact(EDGES)
    now.checkpoint(EDGES)
    now.retain(EDGES)
    assert lake(tmp_path)[0].last_batch(EDGES, "w") == 2
