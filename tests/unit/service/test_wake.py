"""Signals between stages: fresh work starts at once, and a lost signal costs one poll."""

from __future__ import annotations

import asyncio

import pytest

from brain_rca.wake import Wake, wait

pytestmark = pytest.mark.anyio
LIMIT = 5.0


async def test_everybody_who_listens_hears_of_a_judgement() -> None:
    wake = Wake()
    heard: list[str] = []
    wake.on_analysed(lambda: heard.append("grafana"))
    wake.on_analysed(lambda: heard.append("webhook"))
    await wake.analysed()
    assert heard == ["grafana", "webhook"]


async def test_everybody_who_waits_for_a_change_is_let_go() -> None:
    wake = Wake()
    waiting = [asyncio.create_task(wake.wait_changed(60.0)) for _ in range(3)]
    await asyncio.sleep(0)
    await wake.analysed()
    await asyncio.wait_for(asyncio.gather(*waiting), LIMIT)
    assert all(task.done() for task in waiting)


async def test_waiting_for_a_change_ends_after_its_time() -> None:
    wake = Wake()
    assert await asyncio.wait_for(wake.wait_changed(0.001), LIMIT) is None
    await wake.analysed()
    assert await asyncio.wait_for(wake.wait_changed(0.001), LIMIT) is None


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    wake = Wake()
    task = asyncio.create_task(wake.wait_changed(60.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.wait_for(wake.analysed(), LIMIT) is None


@pytest.mark.parametrize("early", [True, False])
async def test_a_signal_ends_the_wait_whether_it_came_before_or_during(early: bool) -> None:
    event = asyncio.Event()
    if early:
        event.set()
    task = asyncio.create_task(wait(event, 60.0))
    await asyncio.sleep(0)
    if not early:
        event.set()
    await asyncio.wait_for(task, LIMIT)
    assert not event.is_set()


async def test_without_a_signal_the_wait_ends_after_its_time() -> None:
    event = asyncio.Event()
    await asyncio.wait_for(wait(event, 0.001), LIMIT)
    assert not event.is_set()
