"""Few read at a time; the slow make room, and who was quick is not held up by who is not."""

from __future__ import annotations

import asyncio

import pytest

from brain_otel.wire import turns as turns_module
from brain_otel.wire.admission import HEADROOM, Budget
from brain_otel.wire.refusal import OverloadError
from brain_otel.wire.turns import Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def budget() -> Budget:
    return Budget(HEADROOM + 70, lambda: 0)


@pytest.fixture
def turns(budget: Budget) -> Turns:
    return Turns(budget, 10)  # three turns of 20; the other 10 are room for the moment of reading


async def quick(turns: Turns, connection: str) -> None:
    async with turns.turn(connection) as reader:
        reader.lease.release()


async def stuck(turns: Turns, connection: str) -> None:
    async with turns.turn(connection):
        await asyncio.Event().wait()


async def test_a_turn_takes_memory_and_leaves_it_to_the_reader(turns: Turns, budget: Budget) -> None:
    async with turns.turn("a") as reader:
        assert (budget.taken, budget.coming) == (20, 10)
        reader.lease.shrink(3)
    assert (budget.taken, budget.coming) == (3, 0)


async def test_the_slow_make_room_when_others_wait(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_SHORTEST_TURN", 0.01)
    monkeypatch.setattr(turns_module, "_LONGEST_TURN", 0.01)
    slow = [asyncio.create_task(stuck(turns, f"slow {place}")) for place in range(2)]
    await asyncio.sleep(0)
    await quick(turns, "new")
    ended = [task for task in slow if task.done()]
    assert ended
    for task in ended:
        with pytest.raises(OverloadError):
            await task
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_one_turn_is_kept_for_who_was_quick_before(turns: Turns, budget: Budget) -> None:
    await quick(turns, "known")
    slow = [asyncio.create_task(stuck(turns, f"slow {place}")) for place in range(50)]
    await asyncio.sleep(0)
    for _ in range(20):
        await quick(turns, "known")  # without any wait: no time passes in this test
    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert (budget.taken, budget.coming) == (0, 0)


async def test_nobody_waits_for_ever(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_PATIENCE", 0.01)
    slow = [asyncio.create_task(stuck(turns, f"slow {place}")) for place in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadError, match="no turn"):
        await quick(turns, "new")
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await quick(turns, "new")


async def test_no_more_wait_than_can_be_held(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_MOST_WAITING", 0)
    slow = [asyncio.create_task(stuck(turns, f"slow {place}")) for place in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadError, match="too many"):
        await quick(turns, "new")
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_who_is_getting_on_is_not_slow(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_ENOUGH", 5)
    async with turns.turn("a") as reader:
        reader.since = 0.0
        reader.moved(4)
        assert reader.since == 0.0
        reader.moved(1)
        assert reader.since > 0.0
        reader.lease.release()
