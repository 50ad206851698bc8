"""Trying again: how often, how long, what is told in the end. Time passes only where the helper waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from brain_common.errors import ConfigError, InputError, PermanentError, TemporaryError, UnreachableError
from brain_common.retry import Retry, RetryPolicy

pytestmark = pytest.mark.anyio


class Time:
    """Moves by what is slept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Attempts:
    """Raises the given errors one after the other, then succeeds; each attempt takes ``seconds``."""

    def __init__(self, time: Time, *errors: Exception, seconds: float = 0.0) -> None:
        self._time = time
        self._errors = list(errors)
        self._seconds = seconds
        self.count = 0

    async def __call__(self) -> int:
        self.count += 1
        self._time.now += self._seconds
        if self._errors:
            raise self._errors.pop(0)
        return self.count


def away(number: int) -> list[Exception]:
    return [TemporaryError(f"away {place}") for place in range(number)]


def retry(time: Time, deadline: float = 60.0, *, jitter: float = 0.0, longest: float = 10.0) -> Retry:
    policy = RetryPolicy(deadline, longest_wait_seconds=longest)
    return Retry(policy, sleep=time.sleep, now=lambda: time.now, jitter=lambda: jitter)


@pytest.fixture
def time() -> Time:
    return Time()


async def test_success_needs_one_attempt_and_no_wait(time: Time) -> None:
    assert await retry(time).run("x", Attempts(time)) == 1
    assert time.waits == []


@pytest.mark.parametrize(("jitter", "waits"), [(0.0, [0.1, 0.2, 0.4, 0.8, 1.6]), (1.0, [0.2, 0.4, 0.8, 1.6, 3.2])])
async def test_waits_double_and_are_drawn_from_their_upper_half(time: Time, jitter: float, waits: list[float]) -> None:
    assert await retry(time, jitter=jitter).run("x", Attempts(time, *away(5))) == 6
    assert time.waits == pytest.approx(waits)


async def test_the_doubling_ends(time: Time) -> None:
    await retry(time, 1e6, longest=1.0, jitter=1.0).run("x", Attempts(time, *away(100)))
    assert max(time.waits) == time.waits[-1] == 1.0


@pytest.mark.parametrize(("hint", "wait"), [(5.0, 5.0), (0.0, 0.1), (0.05, 0.1)])
async def test_the_servers_hint_makes_a_wait_longer_never_shorter(time: Time, hint: float, wait: float) -> None:
    await retry(time).run("x", Attempts(time, TemporaryError("busy", retry_after=hint)))
    assert time.waits == [pytest.approx(wait)]


async def test_a_hint_beyond_the_budget_ends_it_at_once(time: Time) -> None:
    attempts = Attempts(time, TemporaryError("busy", retry_after=3600.0))
    with pytest.raises(TemporaryError, match="busy") as caught:
        await retry(time).run("x", attempts)
    assert caught.value.retry_after == 3600.0
    assert (attempts.count, time.waits) == (1, [])


@pytest.mark.parametrize("error", [PermanentError("no"), InputError("no"), ConfigError("no"), ValueError("no")])
async def test_only_what_may_heal_is_tried_again(time: Time, error: Exception) -> None:
    attempts = Attempts(time, TemporaryError("away"), error)
    with pytest.raises(type(error), match="no"):
        await retry(time).run("x", attempts)
    assert attempts.count == 2


async def test_the_budget_counts_attempts_as_well_as_waits(time: Time) -> None:
    attempts = Attempts(time, *away(100), seconds=4.0)
    with pytest.raises(TemporaryError, match="away 2"):
        await retry(time, 10.0).run("x", attempts)
    assert attempts.count == 3


async def test_the_last_real_error_is_told(time: Time) -> None:
    with pytest.raises(TemporaryError, match=r"away \d+$") as caught:
        await retry(time, 5.0).run("x", Attempts(time, *away(1000)))
    assert str(caught.value) != "away 0"


async def test_no_wait_begins_that_the_budget_cannot_hold(time: Time) -> None:
    with pytest.raises(TemporaryError):
        await retry(time, 5.0).run("x", Attempts(time, *away(1000)))
    assert time.now < 105.0


def closed(number: int) -> list[Exception]:
    return [UnreachableError("connection refused") for _ in range(number)]


@pytest.mark.parametrize(("errors", "until"), [(closed(1000), 102.0), ([*away(2), *closed(1000)], 102.0)])
async def test_who_will_not_wait_for_a_server_to_start_hears_of_it_early(
    time: Time, errors: list[Exception], until: float
) -> None:
    patience = RetryPolicy(60.0, unreachable_seconds=2.0)
    with pytest.raises(UnreachableError):
        await Retry(patience, sleep=time.sleep, now=lambda: time.now).run("x", Attempts(time, *errors))
    assert 100.5 < time.now < until


async def test_a_server_that_cannot_be_reached_is_waited_for_unless_told_otherwise(time: Time) -> None:
    assert await retry(time).run("x", Attempts(time, *closed(8))) == 9


async def test_a_server_that_starts_soon_is_waited_for(time: Time) -> None:
    patience = RetryPolicy(60.0, unreachable_seconds=2.0)
    assert await Retry(patience, sleep=time.sleep, now=lambda: time.now).run("x", Attempts(time, *closed(2))) == 3


async def never() -> int:
    await asyncio.Event().wait()
    return 0


async def test_an_attempt_that_hangs_is_cut_off_at_the_end_of_the_budget() -> None:
    with pytest.raises(TemporaryError, match=r"the server: no answer within 0\.02 s"):
        await Retry(RetryPolicy(0.02)).run("the server", never)


async def test_of_an_attempt_that_hangs_after_an_error_the_error_is_told() -> None:
    answers: list[Callable[[], Awaitable[int]]] = []

    async def refuse() -> int:
        raise TemporaryError("connection refused")

    answers += [refuse, never]
    quick = Retry(RetryPolicy(0.05, first_wait_seconds=0.001))
    with pytest.raises(TemporaryError, match="connection refused"):
        await quick.run("x", lambda: answers.pop(0)())


async def test_a_time_out_of_the_attempt_itself_is_not_taken_for_the_budget(time: Time) -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        await retry(time).run("x", Attempts(time, TimeoutError("of its own")))


async def test_cancelling_ends_it_during_an_attempt() -> None:
    task = asyncio.create_task(Retry(RetryPolicy(60.0)).run("x", never))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_ends_it_between_two_attempts(time: Time) -> None:
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    attempts = Attempts(time, *away(9))
    task = asyncio.create_task(Retry(RetryPolicy(60.0), sleep=sleep, now=lambda: time.now).run("x", attempts))
    await asyncio.wait_for(waiting.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert attempts.count == 1


async def test_one_object_serves_many_tasks(time: Time) -> None:
    shared = retry(time)
    found = await asyncio.gather(*(shared.run("x", Attempts(time, *away(number))) for number in range(4)))
    assert found == [1, 2, 3, 4]


async def test_a_repeated_error_is_logged_once(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    errors = [*(TemporaryError("refused") for _ in range(5)), TemporaryError("busy"), TemporaryError("busy")]
    with caplog.at_level(logging.WARNING):
        await retry(time).run("Grafana", Attempts(time, *errors))
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["refused", "busy"]
    assert caplog.records[0].getMessage() == "Grafana: trying again in 0.1 s: refused"
