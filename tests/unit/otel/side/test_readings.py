"""What is read of the lake for workers, and who gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from brain_common.clock import ManualClock
from brain_common.errors import TemporaryError
from brain_otel.side import readings
from brain_otel.side.frames import Snapshot
from brain_otel.side.readings import Readings

pytestmark = pytest.mark.anyio

NOW = 1_795_000_000.0


class Row(msgspec.Struct, array_like=True):
    """Of a snapshot."""

    text: str


class World:
    """Readings of a lake that answers as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, float]] = []
        self.error: TemporaryError | None = None
        self.opened = 0
        reads = {name: self._read(name) for name in ("changes", "costs")}
        monkeypatch.setattr(readings, "READS", reads)
        self.readings = Readings(self._open, ManualClock(NOW))

    def _open(self) -> Any:
        self.opened += 1
        return "the lake"

    def _read(self, name: str) -> Any:
        def read(reader: str, start: float, end: float) -> Sequence[Row]:
            assert (reader, end) == ("the lake", NOW)
            if self.error:
                raise self.error
            self.asked.append((name, end - start))
            return [Row(name)]

        return read

    def worker(self, wanted: Mapping[str, float]) -> list[str]:
        """Names of the snapshots that a worker gets."""
        got: list[str] = []

        def send(snapshot: Snapshot) -> None:
            assert msgspec.msgpack.decode(snapshot.data, type=list[Row]) == [Row(snapshot.name)]
            got.append(snapshot.name)

        self.readings.join(send, wanted)
        return got


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_what_is_wanted_is_read_once_as_far_back_as_anybody_wants(world: World) -> None:
    first = world.worker({"changes": 60.0})
    second = world.worker({"changes": 600.0, "costs": 5.0, "unknown": 1.0})
    await world.readings.round()
    assert sorted(world.asked) == [("changes", 600.0), ("costs", 5.0)]
    assert (first, sorted(second)) == (["changes"], ["changes", "costs"])


async def test_nothing_is_opened_for_nobody(world: World) -> None:
    world.worker({})
    await world.readings.round()
    assert world.opened == 0


async def test_who_comes_later_gets_what_was_read_last(world: World) -> None:
    world.worker({"changes": 60.0})
    await world.readings.round()
    assert world.worker({"changes": 60.0}) == ["changes"]


async def test_a_lake_that_is_away_is_said_once_and_old_news_are_not_fresh(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    got = world.worker({"changes": 60.0})
    await world.readings.round()
    world.error = TemporaryError("lake table changes: away")
    await world.readings.round()
    await world.readings.round()
    assert [record.message for record in caplog.records] == ["snapshot changes: lake table changes: away"]
    assert (got, world.worker({"changes": 60.0})) == (["changes"], [])
