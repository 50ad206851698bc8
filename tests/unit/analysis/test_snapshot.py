"""Evidence is fetched once for all that fire in the same minutes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from brain_common.errors import TemporaryError
from brain_engine.plugins import load_detector
from brain_engine.series import Evidence, Panel
from brain_rca.analysis import snapshot
from brain_rca.analysis.snapshot import Snapshots
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.scope.identity import Identity
from tests.unit.analysis.samples import CART, FRONT, IDLE, LATENCY, WINDOW, evidence, panel

pytestmark = pytest.mark.anyio


class Source:
    """Answers when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Window] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.was_asked = asyncio.Event()
        self.error: Exception | None = None
        self.panels: tuple[Panel, ...] = ()
        self.looked_at: list[frozenset[str]] = []

    async def gather(self, window: Window) -> Gathered:
        self.asked.append(window)
        self.was_asked.set()
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        known = evidence(*self.panels, window=window, edges=((FRONT, CART), (CART, "lab//node/n1")))
        return Gathered(known, Identity(()))

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        self.looked_at.append(entities)
        return replace(gathered.evidence, panels=(), edges=(), missing=())

    async def aclose(self) -> None: ...


def over(source: Source) -> Snapshots:
    return Snapshots(source, load_detector("robust-shift"))


def moved(seconds: float, *, start: float = 0.0, step: float = WINDOW.step) -> Window:
    return replace(WINDOW, end=WINDOW.end + seconds, start=WINDOW.start + start, step=step)


async def test_it_holds_what_was_found_and_everything_that_is_named() -> None:
    taken = await over(Source()).take(WINDOW)
    assert taken.window == WINDOW
    assert {finding.entity for finding in taken.findings} == {CART, FRONT}
    assert taken.entities == {CART, FRONT, IDLE, "lab//node/n1"}
    assert taken.graph.dependencies(FRONT) == (CART,)


@pytest.mark.parametrize("window", [moved(0), moved(30), moved(15, start=300), moved(0, start=-300)])
async def test_a_window_that_is_nearly_the_same_shares_it(window: Window) -> None:
    source = Source()
    snapshots = over(source)
    assert await snapshots.take(WINDOW) is await snapshots.take(window)
    assert source.asked == [WINDOW]


@pytest.mark.parametrize("window", [moved(45), moved(-15), moved(0, start=315), moved(0, step=30.0)])
async def test_another_window_is_fetched_anew(window: Window) -> None:
    source = Source()
    snapshots = over(source)
    await snapshots.take(WINDOW)
    assert (await snapshots.take(window)).window == window
    assert source.asked == [WINDOW, window]


async def test_a_storm_waits_for_one_fetch() -> None:
    source = Source()
    source.may_answer.clear()
    snapshots = over(source)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(snapshots.take(WINDOW)) for _ in range(50)]
        await asyncio.wait_for(source.was_asked.wait(), 5)
        source.may_answer.set()
    assert len({id(task.result()) for task in tasks}) == 1
    assert source.asked == [WINDOW]


async def test_a_failure_is_told_and_not_remembered() -> None:
    source = Source()
    source.error = TemporaryError("away")
    snapshots = over(source)
    with pytest.raises(TemporaryError, match="away"):
        await snapshots.take(WINDOW)
    source.error = None
    assert (await snapshots.take(WINDOW)).findings


async def test_who_gives_up_leaves_the_way_free() -> None:
    source = Source()
    source.may_answer.clear()
    snapshots = over(source)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await snapshots.take(WINDOW)
    source.may_answer.set()
    assert (await snapshots.take(WINDOW)).window == WINDOW


async def test_only_the_latest_few_are_kept() -> None:
    source = Source()
    snapshots = over(source)
    for number in range(5):
        await snapshots.take(moved(1000.0 * number))
    await snapshots.take(moved(4000))
    await snapshots.take(moved(1000))
    assert len(source.asked) == 5
    await snapshots.take(WINDOW)
    assert len(source.asked) == 6


async def test_a_small_system_is_looked_at_as_a_whole() -> None:
    source = Source()
    await over(source).take(WINDOW)
    assert source.looked_at == [{CART, FRONT, IDLE, "lab//node/n1"}]


async def test_of_a_large_one_what_deviates_and_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_SMALL", 3)
    source = Source()
    await over(source).take(WINDOW)
    assert source.looked_at == [{CART, FRONT, "lab//node/n1"}]


async def test_of_a_large_one_in_which_nothing_deviates_where_requests_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_SMALL", 3)
    source = Source()
    source.panels = (panel(LATENCY, {CART: 1.0, FRONT: 1.0, IDLE: 1.0}, 0.02),)
    await over(source).take(WINDOW)
    assert source.looked_at == [{FRONT}]
