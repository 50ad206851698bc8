"""Memory is set aside in order, given back whatever happens, and never more than there is."""

from __future__ import annotations

import asyncio

import pytest

from brain_otel.wire import admission
from brain_otel.wire.admission import HEADROOM, Budget
from brain_otel.wire.refusal import OverloadError, TooLargeError

pytestmark = pytest.mark.anyio

REST = 1000


class Process:
    """Its resident memory."""

    def __init__(self) -> None:
        self.resident = REST

    def __call__(self) -> int:
        return self.resident


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setattr(admission, "trim", lambda: None)
    return Process()


@pytest.fixture
def budget(process: Process) -> Budget:
    return Budget(HEADROOM + REST + 100, process)


async def test_what_fits_gets_in_at_once(budget: Budget) -> None:
    one, two = await budget.take(60), await budget.take(40)
    assert budget.taken == 100
    one.release()
    one.release()
    two.shrink(10)
    two.shrink(20)
    assert budget.taken == 10


async def test_what_never_fits_is_too_large(budget: Budget) -> None:
    with pytest.raises(TooLargeError):
        await budget.take(101)
    lease = await budget.take(60)
    with pytest.raises(TooLargeError):
        await lease.reach(101)
    with pytest.raises(TooLargeError):
        lease.grow(41)
    with pytest.raises(TooLargeError):
        budget.check(101)
    assert (lease.size, budget.taken) == (60, 60)


async def test_who_waits_is_served_in_order(budget: Budget) -> None:
    first = await budget.take(100)
    large, small = asyncio.create_task(budget.take(90)), asyncio.create_task(budget.take(20))
    await asyncio.sleep(0)
    first.shrink(30)  # would be enough for the small one, whose turn it is not
    await asyncio.sleep(0)
    assert not small.done()
    first.release()
    (await large).release()
    assert (await small).size == 20


async def test_who_waits_too_long_is_refused_and_holds_nobody_up(
    budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_PATIENCE", 0.01)
    lease = await budget.take(90)
    with pytest.raises(OverloadError):
        await budget.take(50)
    assert (await budget.take(10)).size == 10
    lease.release()
    assert budget.taken == 10


async def test_who_goes_away_while_waiting_takes_nothing(budget: Budget) -> None:
    lease = await budget.take(100)
    gone = asyncio.create_task(budget.take(50))
    await asyncio.sleep(0)
    lease.release()  # gives it the turn in the same moment
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert budget.taken == 0


async def test_only_one_waits_for_more_while_it_holds_much(budget: Budget) -> None:
    one, two = await budget.take(50), await budget.take(50)
    waiting = asyncio.create_task(one.reach(80))
    await asyncio.sleep(0)
    with pytest.raises(OverloadError):
        await two.reach(80)
    two.release()
    await waiting
    assert (one.size, budget.taken) == (80, 80)


async def test_the_limit_holds_whatever_was_set_aside(budget: Budget, process: Process) -> None:
    budget.check(100)
    process.resident = REST + 50
    with pytest.raises(OverloadError):
        budget.check(51)
    budget.coming = 40
    budget.check(10)
    with pytest.raises(OverloadError):
        budget.check(11)


async def test_what_cannot_be_given_back_is_no_longer_lent(budget: Budget, process: Process) -> None:
    process.resident = REST + 30
    budget.look()
    assert budget.capacity == 70
    process.resident = REST
    budget.look()
    assert budget.capacity == 100
