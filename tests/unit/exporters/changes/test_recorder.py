"""What is taken is taken once, together with others, and survives."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from brain_common.clock import ManualClock
from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError, TemporaryError
from brain_exporters.changes import KIND
from brain_exporters.changes.config import AnnotationSettings
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import Change, ChangeKind, Result, SecurityEvent, Severity, Subject
from brain_exporters.changes.outbox import Outbox, Planned
from brain_exporters.changes.recorder import Recorder
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger
from brain_exporters.runtime.state import State
from tests.unit.exporters.changes.samples import NOW

pytestmark = pytest.mark.anyio

GRAFANA = AnnotationSettings.model_validate({"url": "http://127.0.0.1:1", "most_waiting": 3})


def change(number: int = 1, result: Result = Result.SUCCEEDED, at: float = NOW, **more: object) -> Change:
    about = Subject("shop/checkout", "production", Entity("", "shop", EntityKind.WORKLOAD, "checkout"))
    made = Change("github", ChangeKind.DEPLOYMENT, result, str(number), "<b>title</b>", about, at)
    return Change(**{**{name: getattr(made, name) for name in Change.__dataclass_fields__}, **more})


def alarm(number: int = 1) -> SecurityEvent:
    return SecurityEvent("falco", "rule", Severity.HIGH, "m", Entity("", "", EntityKind.NODE, "n"), str(number), NOW)


class World:
    """A recorder over a state file, which can be opened again."""

    def __init__(self, path: Path, annotations: AnnotationSettings | None = None, **more: float) -> None:
        self.path = path
        self.clock = ManualClock(NOW)
        self.annotations = annotations
        self.limits = {"most_waiting": 100, "remember_seconds": 1000.0, "remember_most": 1000} | more
        self.commits = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Recorder]:
        self.ledger = Ledger(State(self.path), KIND.counters, None, max_series=1000, backlog_bytes=1)
        commit = self.ledger.commit

        def counted(batch: Batch) -> None:
            self.commits += 1
            commit(batch)

        self.ledger.commit = counted  # type: ignore[method-assign]
        self.outbox = Outbox(self.ledger, self.annotations)
        recorder = Recorder(
            self.ledger,
            self.clock,
            EntityMap((), "home"),
            self.outbox,
            sources=["github", "falco"],
            **self.limits,  # type: ignore[arg-type]
        )
        task = asyncio.create_task(recorder.run())
        await asyncio.sleep(0)  # it has begun
        try:
            yield recorder
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.ledger.close()

    def value(self, counter: str, *labels: str) -> float:
        [series] = [series for spec, series in self.ledger.counters() if spec.name == counter]
        return series.get(labels, 0.0)


async def test_a_change_counts_once_even_after_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        assert await recorder.record("github", [change()]) == "accepted"
        assert await recorder.record("github", [change()]) == "duplicate"
        assert await recorder.record("github", [change(result=Result.FAILED)]) == "accepted"
    async with world.running() as recorder:
        assert await recorder.record("github", [change(title="told otherwise")]) == "duplicate"
        assert world.value("brain_changes", "github", "deployment", "succeeded") == 1
        assert world.value("brain_changes", "github", "deployment", "failed") == 1
        assert world.value("changes_requests", "github", "accepted") == 2
        assert world.value("changes_requests", "github", "duplicate") == 2
        assert recorder.last == {"github": NOW, "falco": 0.0}


async def test_events_count_too(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        assert await recorder.record("falco", [alarm(1), alarm(2), alarm(1)]) == "accepted"
        assert world.value("brain_security_events", "falco", "rule", "high") == 2


async def test_many_deliveries_share_a_flush(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        outcomes = await asyncio.gather(*(recorder.record("github", [change(n % 50)]) for n in range(100)))
        assert (outcomes.count("accepted"), outcomes.count("duplicate")) == (50, 50)
        assert world.commits <= 3


async def test_too_many_at_one_time_are_sent_away(tmp_path: Path) -> None:
    world = World(tmp_path / "state", most_waiting=5)
    async with world.running() as recorder:
        done = await asyncio.gather(
            *(recorder.record("github", [change(n)]) for n in range(20)), return_exceptions=True
        )
        refused = [each for each in done if isinstance(each, TemporaryError)]
        assert len(refused) == 15
        assert world.value("brain_changes", "github", "deployment", "succeeded") == 5


async def test_a_disk_that_fails_takes_nothing_and_what_comes_again_is_taken(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        good, failing = world.ledger.commit, True

        def commit(batch: Batch) -> None:
            if failing:
                raise TemporaryError("disk full")
            good(batch)

        world.ledger.commit = commit  # type: ignore[method-assign]
        recorder.count("github", "unauthorized")
        with pytest.raises(TemporaryError, match="disk full"):
            await recorder.record("github", [change()])
        failing = False
        assert await recorder.record("github", [change()]) == "accepted"
        assert world.value("brain_changes", "github", "deployment", "succeeded") == 1
        assert world.value("changes_requests", "github", "unauthorized") == 1


async def test_a_delivery_that_does_not_fit_does_not_harm_the_others(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        good = world.ledger.commit

        def commit(batch: Batch) -> None:
            if any("bad" in str(rows) for _, rows in batch.rows):
                raise InputError("does not fit")
            good(batch)

        world.ledger.commit = commit  # type: ignore[method-assign]
        done = await asyncio.gather(
            *(recorder.record("github", [change(n, title="bad" if n == 3 else "good")]) for n in range(6)),
            return_exceptions=True,
        )
        assert [isinstance(each, InputError) for each in done] == [n == 3 for n in range(6)]
        assert world.value("brain_changes", "github", "deployment", "succeeded") == 5


async def test_requests_that_bring_nothing_are_counted_soon(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        for _ in range(50):
            recorder.count("github", "unauthorized")
        async with asyncio.timeout(5):
            while not world.value("changes_requests", "github", "unauthorized"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert world.value("changes_requests", "github", "unauthorized") == 50
        assert world.commits == 1


async def test_what_is_old_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        await recorder.record("github", [change(1)])
        world.clock.advance(1001)
        await recorder.record("github", [change(2)])
        assert await recorder.record("github", [change(1)]) == "accepted"
        assert await recorder.record("github", [change(2)]) == "duplicate"
        assert len(world.ledger.notes("seen/")) == 2


async def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    world = World(tmp_path / "state", remember_most=10)
    async with world.running() as recorder:
        for number in range(30):
            await recorder.record("github", [change(number)])
        assert len(world.ledger.notes("seen/")) == 10
        assert await recorder.record("github", [change(29)]) == "duplicate"


async def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    async with world.running() as recorder:
        pass
    with pytest.raises(TemporaryError):
        await recorder.record("github", [change()])


@pytest.mark.parametrize("fails", [False, True])
async def test_stopped_while_the_disk_is_busy_it_says_what_became_of_a_delivery(fails: bool, tmp_path: Path) -> None:
    world, busy, free = World(tmp_path / "state"), threading.Event(), threading.Event()
    async with world.running() as recorder:
        good = world.ledger.commit

        def commit(batch: Batch) -> None:
            busy.set()
            free.wait(10)
            if fails:
                raise TemporaryError("disk full")
            good(batch)

        world.ledger.commit = commit  # type: ignore[method-assign]
        sent = asyncio.create_task(recorder.record("github", [change()]))
        await asyncio.to_thread(busy.wait, 10)
        asyncio.get_running_loop().call_later(0.1, free.set)
    if fails:
        with pytest.raises(TemporaryError, match="stopped"):
            await sent
    else:
        assert await sent == "accepted"


async def test_an_annotation_waits_for_each_change_that_has_ended(tmp_path: Path) -> None:
    world = World(tmp_path / "state", GRAFANA)
    async with world.running() as recorder:
        await recorder.record("github", [change(1, Result.STARTED), change(2, kind=ChangeKind.PIPELINE)])
        assert len(world.outbox) == 0
        told = change(3, started_at=NOW - 60, url="https://a/?b=1&c=2", actor="<i>", revision="r", at=NOW)
        await recorder.record("github", [told])
        first = world.outbox.first()
        assert first is not None
        made = msgspec.msgpack.decode(first[1], type=Planned)
        assert (made.begin, made.end) == (NOW - 60, NOW)
        assert made.tags[:4] == ["brain-change", "source=github", "kind=deployment", "service=checkout"]
        assert made.text == (
            '<a href="https://a/?b=1&amp;c=2">&lt;b&gt;title&lt;/b&gt;</a>'
            "<br>deployment succeeded by &lt;i&gt;<br>revision r"
        )
    async with world.running():
        assert len(world.outbox) == 1


async def test_waiting_annotations_are_bounded_and_the_newest_state_wins(tmp_path: Path) -> None:
    world = World(tmp_path / "state", GRAFANA)
    async with world.running() as recorder:
        for number in range(5):
            await recorder.record("github", [change(number)])
        assert len(world.outbox) == 3
        assert world.value("changes_annotations", "dropped") == 2
        await recorder.record("github", [change(1, Result.FAILED)])
        assert len(world.outbox) == 3
        key, blob = next((k, b) for k, b in world.outbox._waiting.items() if b"failed" in b)
        world.outbox.finish(world.ledger, key, b"an earlier state", "created")
        assert len(world.outbox) == 3
        world.outbox.finish(world.ledger, key, blob, "updated")
        assert len(world.outbox) == 2
        assert len(world.ledger.notes("annotation/")) == 2
        assert world.value("changes_annotations", "updated") == 1
