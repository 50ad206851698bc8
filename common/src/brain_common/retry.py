"""The one retry helper: tries again within a budget of seconds, and reports the last real error.

Called by every client of the stack. It retries ``TemporaryError`` only, because adapters translate what may
heal into it; everything else passes through at once. It does not keep work across a crash: that is the store's
business. Cancelling the task (shutdown) ends it at once, in an attempt as well as between two.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from brain_common.errors import TemporaryError, UnreachableError

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how eagerly to try.

    Attributes:
        deadline_seconds: From the first attempt to the end of the last one, waits included.
        first_wait_seconds: Upper end of the first wait; each wait doubles it. Waits are drawn from its upper half,
            so that clients that failed together do not come back together.
        longest_wait_seconds: Where the doubling ends.
        unreachable_seconds: The budget while there is no connection at all, for those who have something better to do
            than to wait for a server to start; None where they have not.
    """

    deadline_seconds: float
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 10.0
    unreachable_seconds: float | None = None


def pace(failures: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait after so many failures in a row: doubled each time, and drawn from the upper half.

    Args:
        failures: From 1.
        first: Upper end of the first wait, in seconds.
        longest: Where the doubling ends, in seconds.
        jitter: Drawn from [0, 1).
    """
    return min(first * 2.0 ** min(failures - 1, 30), longest) * (0.5 + 0.5 * jitter)


class Retry:
    """Runs attempts under one policy; holds no state between runs, so one object serves many tasks.

    Args:
        policy: Budget and pace.
        sleep: Waits between attempts; an argument so that tests need no time.
        now: Monotonic seconds, for the same reason.
        jitter: Draws from [0, 1).
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._sleep = sleep
        self._now = now
        self._jitter = jitter

    async def run(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or the budget cannot hold another try.

        Args:
            what: What is tried, for messages.
            attempt: Raises ``TemporaryError`` for what may heal.

        Raises:
            TemporaryError: The last one raised by ``attempt``; or, if not one attempt ended in time, one that says so.
        """
        run = _Run(what, self._now(), self._policy.deadline_seconds)

        async def bounded() -> T:
            return await self._bounded(run, attempt)

        loop = AsyncRetrying(
            retry=retry_if_exception_type(TemporaryError),
            wait=self._wait,
            stop=lambda state: run.over or self._now() + state.upcoming_sleep >= self._ends_at(run),
            sleep=self._sleep,
            before_sleep=run.log,
            reraise=True,
        )
        return await loop(bounded)

    async def _bounded(self, run: _Run, attempt: Callable[[], Awaitable[T]]) -> T:
        """One attempt that may not outlive the budget."""
        try:
            async with asyncio.timeout(max(run.ends_at - self._now(), 0.0)) as limit:
                return await attempt()
        except TemporaryError as error:
            run.last = error
            raise
        except TimeoutError as error:
            run.over = limit.expired()
            if not run.over:
                raise
            seconds = self._policy.deadline_seconds
            raise run.last or TemporaryError(f"{run.what}: no answer within {seconds:g} s") from error

    def _ends_at(self, run: _Run) -> float:
        seconds = self._policy.unreachable_seconds
        if seconds is None or not isinstance(run.last, UnreachableError):
            return run.ends_at
        return min(run.ends_at, run.began + seconds)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        hint = error.retry_after if isinstance(error, TemporaryError) else None
        policy = self._policy
        own = pace(state.attempt_number, policy.first_wait_seconds, policy.longest_wait_seconds, self._jitter())
        return max(own, hint or 0.0)


class _Run:
    """What one call of ``Retry.run`` remembers."""

    def __init__(self, what: str, began: float, seconds: float) -> None:
        self.what = what
        self.began = began
        self.ends_at = began + seconds
        self.over = False
        self.last: TemporaryError | None = None
        self._logged = ""

    def log(self, state: RetryCallState) -> None:
        """Say why it is tried again; a repeated error is said once."""
        text = str(self.last)
        if text != self._logged:
            self._logged = text
            _log.warning("%s: trying again in %.1f s: %s", self.what, state.upcoming_sleep, text)
