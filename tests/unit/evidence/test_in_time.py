"""Of questions asked at the same time, those that are late are given up, whatever ends the waiting."""

from __future__ import annotations

import asyncio

import pytest

from brain_rca.evidence.in_time import late_of

pytestmark = pytest.mark.anyio


async def soon() -> int:
    return 1


async def wrong() -> int:
    raise ValueError


async def never() -> int:
    await asyncio.Event().wait()
    return 0


async def test_only_what_does_not_end_is_late() -> None:
    tasks = [asyncio.create_task(one()) for one in (soon, wrong, never)]
    assert await late_of(tasks, 0.01) == {tasks[2]}
    assert tasks[0].result() == 1
    assert isinstance(tasks[1].exception(), ValueError)
    assert tasks[2].cancelled()


async def test_nothing_is_not_waited_for() -> None:
    assert await late_of([], 60.0) == frozenset()


async def test_who_gives_up_waiting_leaves_nothing_running() -> None:
    tasks = [asyncio.create_task(never()) for _ in range(3)]
    waiting = asyncio.create_task(late_of(tasks, 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert all(task.cancelled() for task in tasks)
