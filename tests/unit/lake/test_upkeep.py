"""Upkeep in the background: in time, for every table, and quiet about what stays the same."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from deltalake import DeltaTable

from brain_common.clock import ManualClock
from brain_common.errors import TemporaryError
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Compacted, Maintenance, Retained, Vacuumed
from brain_lake.schemas import COST, EVENTS, TableSchema
from brain_lake.upkeep import LakeUpkeep, open_upkeep
from tests.unit.lake.rows import START, event_rows, lake

pytestmark = pytest.mark.anyio


@dataclass(eq=False)
class FakeMaintenance(Maintenance):
    """Notes what was asked of it."""

    broken: frozenset[str] = frozenset()
    conflicts: int = 0
    done: list[str] = field(default_factory=list)

    def compact(self, schema: TableSchema, *, every: bool = False) -> Compacted:
        if schema.name in self.broken:
            raise TemporaryError(f"lake table {schema.name}: away")
        self.done.append(f"compact {schema.name}")
        return Compacted(schema.name, conflicts=self.conflicts)

    def retain(self, schema: TableSchema, *, dry_run: bool = False) -> Retained:
        self.done.append(f"retain {schema.name}")
        return Retained(schema.name, "2026-01-01")

    def checkpoint(self, schema: TableSchema) -> bool:
        self.done.append(f"checkpoint {schema.name}")
        return True

    def vacuum(self, schema: TableSchema, *, dry_run: bool = False) -> Vacuumed:
        self.done.append(f"vacuum {schema.name}")
        return Vacuumed(schema.name)


async def played(fake: FakeMaintenance, rounds: int, settings: UpkeepSettings) -> list[float]:
    """Let it work for some rounds; the pauses it took."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > rounds:
            raise asyncio.CancelledError

    upkeep = LakeUpkeep(fake, settings, (EVENTS, COST), sleep=sleep, jitter=lambda: 0.5)
    with pytest.raises(asyncio.CancelledError):
        await upkeep.run()
    return pauses


async def test_every_table_is_kept_each_round_after_a_drawn_pause() -> None:
    fake = FakeMaintenance()
    assert await played(fake, 1, UpkeepSettings(interval_seconds=100)) == pytest.approx([110, 110])
    assert fake.done == ["compact events", "retain events", "compact cost", "retain cost"]


async def test_a_vacuum_comes_every_six_hours() -> None:
    fake = FakeMaintenance()
    await played(fake, 13, UpkeepSettings(interval_seconds=3600))
    assert fake.done.count("vacuum events") == fake.done.count("checkpoint events") == 2


async def test_what_goes_wrong_is_logged_once_and_keeps_no_other_table_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake = FakeMaintenance(broken=frozenset({"events"}))
    with caplog.at_level(logging.WARNING):
        await played(fake, 3, UpkeepSettings())
    assert caplog.messages == ["lake table events: away; trying again in the next round"]
    assert fake.done.count("compact cost") == 3


async def test_that_another_process_was_quicker_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await played(FakeMaintenance(conflicts=2), 3, UpkeepSettings())
    assert sum("events: another process was at work" in message for message in caplog.messages) == 1


async def test_several_replicas_keep_one_lake(tmp_path: Path) -> None:
    writer, reader = lake(tmp_path)
    for number in range(40):
        writer.append(EVENTS, event_rows([START + number * 1000]))
    settings = UpkeepSettings()
    clock = ManualClock(START + 86400)
    replicas = [
        LakeUpkeep(Maintenance(LakeLocation.local(tmp_path), settings, clock), settings, (EVENTS,)) for _ in range(3)
    ]
    await asyncio.gather(*(replica.round(vacuum=True) for replica in replicas))
    await replicas[0].round(vacuum=True)
    assert len(DeltaTable(tmp_path / "events").file_uris()) == len(
        {int(START + number * 1000) // 3600 for number in range(40)}
    )
    assert reader.rows(EVENTS, START, START + 86400).num_rows == 40


async def test_upkeep_of_a_configured_lake_reaches_nothing_at_first(tmp_path: Path) -> None:
    open_upkeep(LakeSettings(path=tmp_path / "lake"), UpkeepSettings())
    assert list(tmp_path.iterdir()) == []
