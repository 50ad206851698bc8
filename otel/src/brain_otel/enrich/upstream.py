"""What a step knows of the world outside: asked for in the background, kept while fresh, and told how it goes.

A server that is away must not hold up signals nor end the processor: the last answer stays for a while, then the step
knows nothing, which its metrics tell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from brain_common.errors import BrainError
from brain_common.trouble import Trouble

if TYPE_CHECKING:
    from brain_otel.enrich.kind import Context

T = TypeVar("T")
_AGAIN = 15.0  # seconds after a failure
_log = logging.getLogger(__name__)


class UpstreamMetrics:
    """How the sources of all steps do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.last_success = Gauge(
            "brain_otel_enricher_last_success_timestamp_seconds",
            "When the step last heard from its source, in seconds since the epoch; 0: never.",
            ["enricher"],
            registry=registry,
        )
        self.failures = Counter(
            "brain_otel_enricher_failures",
            "Rounds in which the step asked its source in vain.",
            ["enricher"],
            registry=registry,
        )


class Upstream(Generic[T]):
    """What one source said last.

    Args:
        name: Of the step.
        context: Of the processor.
        stale_seconds: How long an answer holds when no other follows.
        nothing: What is known before the first answer, and once the last is stale.
    """

    def __init__(self, name: str, context: Context, stale_seconds: float, nothing: T) -> None:
        self._name = name
        self._clock = context.clock
        self._stale_seconds = stale_seconds
        self._nothing = self._said = nothing
        self._fresh_until = 0.0
        self._trouble = Trouble()
        self._last_success = context.upstreams.last_success.labels(name)
        self._failures = context.upstreams.failures.labels(name)

    @property
    def known(self) -> T:
        """The last answer, while it holds."""
        if self._said is not self._nothing and self._clock.now() > self._fresh_until:
            self._said = self._nothing  # its memory goes with it
        return self._said

    def learn(self, said: T) -> None:
        """Take an answer in the place of the one before."""
        if self._trouble.over():
            _log.info("%s: its source answers again", self._name)
        self._said = said
        now = self._clock.now()
        self._fresh_until = now + self._stale_seconds
        self._last_success.set(now)

    def failed(self, error: BrainError) -> None:
        """Count it; a repeated error is said once."""
        self._failures.inc()
        if self._trouble.news(error):
            holds = f"what was known holds for {self._stale_seconds:g} s" if self.known else "nothing is known"
            _log.warning("%s: %s; %s", self._name, error, holds)

    async def keep_asking(self, ask: Callable[[], Awaitable[T]], seconds: float) -> None:
        """Ask every ``seconds``, sooner after a failure; ends only when cancelled.

        Without the retry helper: that one reports the end of each run, and this one never ends.

        Args:
            ask: Asks once, within a time of its own; raises errors of the product.
            seconds: From an answer to the next question.
        """
        while True:
            try:
                self.learn(await ask())
            except BrainError as error:
                self.failed(error)
                await asyncio.sleep(min(seconds, _AGAIN))
            else:
                await asyncio.sleep(seconds)
