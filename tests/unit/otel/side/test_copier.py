"""From the backlog into the lake: bounded, each row once, and everything told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain_common.clock import ManualClock
from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import LOGS, TABLES, TableSchema
from brain_lake.writer import LakeWriter
from brain_otel.side.backlog import Backlog
from brain_otel.side.copier import Copier
from brain_otel.side.frames import Fate, Rows
from brain_otel.side.table import MOST_FOLDERS

pytestmark = pytest.mark.anyio

NOW = 1_795_000_000.0
HOUR = 3600.0


def log_row(at: float = NOW, cluster: str = "c1", body: str = "it failed") -> tuple[Any, ...]:
    return (int(at * 1e6), cluster, "shop", "service", "cart", 17, "ERROR", body, None, None, None, None)


def rows(*given: tuple[Any, ...], table: str = "logs") -> Rows:
    return Rows(table, len(given), msgspec.Raw(msgspec.msgpack.encode(given)))


class Flaky:
    """A writer of a lake that fails as told, before the commit or after it."""

    def __init__(self, writer: LakeWriter) -> None:
        self._writer = writer
        self.before: list[BrainError] = []
        self.after: list[BrainError] = []

    def append(self, schema: TableSchema, *rest: Any) -> None:
        if self.before:
            raise self.before.pop(0)
        self._writer.append(schema, *rest)
        if self.after:
            raise self.after.pop(0)

    def last_batch(self, schema: TableSchema, writer: str) -> int | None:
        return self._writer.last_batch(schema, writer)


class World:
    """A copier with its lake."""

    def __init__(self, folder: Path, most_bytes: int = 1 << 20) -> None:
        location = LakeLocation.local(folder)
        self.backlog = Backlog(most_bytes)
        self.writer = Flaky(LakeWriter(location))
        self.states: list[bool] = []
        self.copier = Copier(self.backlog, self.writer, ManualClock(NOW), self.states.append)  # type: ignore[arg-type]
        self.fates: Counter[str] = Counter()
        self._reader = LakeReader(location)

    def add(self, *given: tuple[Any, ...], table: str = "logs") -> None:
        self.backlog.add(rows(*given, table=table), self._tell)

    def _tell(self, fate: Fate) -> None:
        self.fates[fate.reason or "lake"] += fate.count

    def bodies(self) -> list[str]:
        found = self._reader.rows(LOGS, NOW - 8 * 24 * HOUR, NOW + 2 * HOUR, columns=("body",))
        return sorted(found.column("body").to_pylist())


async def test_rows_come_into_the_lake(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(log_row(body="a"), log_row(body="b"))
    world.add(log_row(body="c"))
    await world.copier.flush()
    assert world.bodies() == ["a", "b", "c"]
    assert world.fates == {"lake": 3}
    assert (world.backlog.size, world.states) == (0, [True])


@pytest.mark.parametrize("table", ["spans", "edges", "logs"])
async def test_the_order_of_the_columns_is_all_a_worker_has_to_know(tmp_path: Path, table: str) -> None:
    schema = next(each for each in TABLES if each.name == table)
    values = {"timestamp[us, tz=UTC]": int(NOW * 1e6), "string": "x", "double": 0.5, "int32": 17}
    world = World(tmp_path)
    world.add(tuple(values[str(field.type)] for field in schema.columns), table=table)
    await world.copier.flush()
    assert world.fates == {"lake": 1}


async def test_a_lake_that_is_away_keeps_rows_waiting_up_to_a_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, most_bytes=1000)
    world.writer.before = [TemporaryError("lake table logs: away")] * 2
    for number in range(50):
        world.add(log_row(body=f"{number:02}"))
    kept = 50 - world.fates["lake_away"]
    assert 0 < kept < 50
    await world.copier.flush()
    await world.copier.flush()
    assert [record.levelname for record in caplog.records] == ["ERROR"]  # said once
    assert world.bodies() == []
    await world.copier.flush()
    assert world.bodies() == [f"{number:02}" for number in range(kept)]
    assert world.states == [False, False, True]


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.writer.after = [TemporaryError("the connection broke")]
    world.add(log_row(body="once"), log_row(at=0.0))
    await world.copier.flush()
    await world.copier.flush()
    assert world.bodies() == ["once"]
    assert world.fates == {"lake": 1, "time": 1}


async def test_what_the_lake_will_never_take_does_not_block_what_comes_after(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.writer.before = [PermanentError("lake table spans: denied")]
    world.add(log_row(body="denied"))
    await world.copier.flush()
    assert world.fates == {"refused": 1}
    world.add(log_row(body="next"))
    await world.copier.flush()
    assert world.bodies() == ["next"]


async def test_impossible_times_are_left_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    times = [NOW - 8 * 24 * HOUR, NOW - 24 * HOUR, NOW, NOW + 2 * HOUR, 2**33, 0.0]
    world.add(*(log_row(at=at) for at in times))
    await world.copier.flush()
    assert world.fates == {"lake": 2, "time": 4}


async def test_a_sender_cannot_make_a_thousand_folders(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(*(log_row(cluster=f"c{number}") for number in range(MOST_FOLDERS + 50)), log_row(cluster="é" * 100))
    await world.copier.flush()
    assert world.fates == {"lake": MOST_FOLDERS, "partitions": 51}


async def test_rows_that_are_none_are_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add((*log_row()[:5], "no number", *log_row()[6:]))
    await world.copier.flush()
    assert world.fates == {"refused": 1}
