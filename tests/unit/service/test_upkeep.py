"""Gauges, scores and the end of old incidents; and no trouble with the store ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.metrics import Metrics
from brain_rca.model import Analysis, Cause, Finding, Incident
from brain_rca.store.protocol import QueueDepths
from brain_rca.upkeep import Upkeep
from tests.unit.analysis.samples import CART, NOW, incident

pytestmark = pytest.mark.anyio
DAY = 86400.0


class Kept:
    """The part of a store that upkeep uses."""

    def __init__(self, *changes: Incident) -> None:
        self.changes = list(changes)
        self.depth = QueueDepths(analyses=0, deliveries={}, open_incidents=0, oldest_due_at=None)
        self.pruned: list[float] = []
        self.silent: list[tuple[float, float]] = []
        self.errors: list[Exception] = []
        self.reads: list[int] = []

    async def changed_since(self, cursor: int, limit: int) -> tuple[Sequence[Incident], int]:
        self.reads.append(cursor)
        if self.errors:
            raise self.errors.pop(0)
        found = self.changes[cursor : cursor + limit]
        return found, cursor + len(found)

    async def depths(self, now: float) -> QueueDepths:
        return self.depth

    async def close_silent(self, heard_before: float, now: float) -> int:
        self.silent.append((heard_before, now))
        return 1

    async def prune(self, closed_before: float) -> int:
        self.pruned.append(closed_before)
        return 0


def judged(name: str) -> Incident:
    finding = Finding(entity=f"{CART}-{name}", signal="cpu", score=0.9, onset=None, direction="up", sentence="")
    cause = Cause(rank=1, entity=CART, fault_kind="cpu", probability=0.8, findings=(finding,))
    analysis = Analysis(finished_at=NOW, window_start=NOW, window_end=NOW, alerting=(), causes=(cause,))
    return incident(id=name, group_hash=name, analysis=analysis)


class Harness:
    """Upkeep with what it needs."""

    def __init__(self, *changes: Incident) -> None:
        self.store = Kept(*changes)
        self.metrics = Metrics(CollectorRegistry())
        self.clock = ManualClock(NOW)
        self.upkeep = Upkeep(self.store, self.metrics, self.clock, retention_days=400, silence_seconds=28800)

    def scores(self) -> int:
        return sum(
            len(family.samples) for family in self.metrics.scores.collect() if family.name == "brain_anomaly_score"
        )

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


async def test_scores_of_all_changes_are_read_in_batches_and_once() -> None:
    harness = Harness(*(judged(str(number)) for number in range(450)))
    await harness.upkeep.step()
    assert harness.store.reads == [0, 200, 400]
    assert harness.scores() == 450
    harness.store.changes.append(judged("new"))
    await harness.upkeep.step()
    assert harness.store.reads[3:] == [450]
    assert harness.scores() == 451


@pytest.mark.parametrize(("oldest", "seconds"), [(None, 0.0), (NOW - 90, 90.0), (NOW + 5, 0.0)])
async def test_the_depths_of_the_queues_are_shown(oldest: float | None, seconds: float) -> None:
    harness = Harness()
    harness.store.depth = QueueDepths(analyses=2, deliveries={"grafana": 3}, open_incidents=4, oldest_due_at=oldest)
    await harness.upkeep.step()
    assert harness.gauge("brain_rca_queue_depth", queue="analyses") == 2
    assert harness.gauge("brain_rca_queue_depth", queue="grafana") == 3
    assert harness.gauge("brain_rca_open_incidents") == 4
    assert harness.gauge("brain_rca_oldest_due_seconds") == seconds


async def test_old_incidents_are_deleted_once_an_hour() -> None:
    harness = Harness()
    for seconds in (0.0, 3599.0, 1.0, 10.0):
        harness.clock.advance(seconds)
        await harness.upkeep.step()
    assert harness.store.pruned == [NOW - 400 * DAY, NOW + 3600 - 400 * DAY]


async def test_silent_incidents_are_closed_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness()
    for seconds in (0.0, 59.0, 1.0, 10.0):
        harness.clock.advance(seconds)
        await harness.upkeep.step()
    assert harness.store.silent == [(NOW - 28800, NOW), (NOW + 60 - 28800, NOW + 60)]
    assert "closed 1 incidents: no notification for 28800 s" in caplog.text


@pytest.mark.parametrize("error", [TemporaryError("away"), PermanentError("no such table"), OSError(5, "broken")])
async def test_trouble_with_the_store_is_said_and_it_goes_on(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("brain_rca.upkeep._EVERY_SECONDS", 0.0)
    harness = Harness(judged("a"))
    harness.store.errors = [error]
    task = asyncio.create_task(harness.upkeep.run())
    async with asyncio.timeout(5):
        while not harness.scores():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert str(error) in caplog.text
