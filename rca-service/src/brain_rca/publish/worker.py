"""Takes deliveries of one sink out of the store and carries them out.

The service runs one worker for each sink, so that a sink that fails or hangs never holds up another.
Everything that must survive a crash is in the store: what is due, since when, how often it failed, when it is
due next. The worker never sleeps while it holds a lease, and a publication that outlasts its time is cut off
before the lease ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from brain_common.clock import Clock
from brain_common.errors import TemporaryError
from brain_common.retry import Retry, RetryPolicy
from brain_rca.model import IncidentStatus
from brain_rca.publish.attempt import Attempt, Backoff, Next, describe, failed, succeeded
from brain_rca.publish.sink import Sink
from brain_rca.store.protocol import DeliveryClaim, Store

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker goes about it; all in seconds but ``lanes``.

    Args:
        publish_timeout: A publication is cut off after this and counts as a temporary error.
        lease: How long a claimed delivery is ours; what a crash delays it by. Longer than
            ``publish_timeout``.
        poll: How often to look for what is due when nobody wakes the worker.
        lanes: Publications at a time, so that a slow answer does not delay all other incidents.
        backoff: After errors.
    """

    publish_timeout: float = 30.0
    lease: float = 60.0
    poll: float = 1.0
    lanes: int = 4
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        if self.publish_timeout >= self.lease:
            raise ValueError(f"publish_timeout {self.publish_timeout} s must be shorter than lease {self.lease} s")


class DeliveryWorker:
    """Delivers to one sink until stopped.

    Args:
        store: Holds the deliveries.
        sink: Where to deliver; closed by whoever built it.
        clock: What the store's times are compared with.
        observe: Told about every attempt, for the metrics; must not block or raise.
        pace: Time-outs, lease, polling.
        jitter: Source of randomness of the backoff.
    """

    def __init__(
        self,
        store: Store,
        sink: Sink,
        clock: Clock,
        observe: Callable[[Attempt], None],
        pace: Pace | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self._store = store
        self._sink = sink
        self._clock = clock
        self._observe = observe
        self._pace = pace or Pace()
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, protects nothing
        self._wakes = [asyncio.Event() for _ in range(self._pace.lanes)]
        self._patiently = Retry(
            RetryPolicy(deadline_seconds=self._pace.lease - self._pace.publish_timeout, longest_wait_seconds=2.0)
        )
        self._stopping = False
        self._store_error = ""

    @property
    def sink_name(self) -> str:
        """Whose deliveries these are."""
        return self._sink.name

    def wake(self) -> None:
        """Something may have become due: look now. Only from the event loop's thread."""
        for wake in self._wakes:
            wake.set()

    def stop(self) -> None:
        """Let ``run`` return after the publications under way, each at most ``publish_timeout`` seconds long."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Deliver until ``stop``; cancelling it leaves the leases to run out."""
        async with asyncio.TaskGroup() as lanes:
            for wake in self._wakes:
                lanes.create_task(self._lane(wake))

    async def step(self) -> bool:
        """Carry out the delivery that waits longest, if one is due.

        Returns:
            Whether there was one.

        Raises:
            TemporaryError: The store cannot be reached; what was published is published again later.
        """
        claim = await self._store.claim_delivery(self._sink.name, self._clock.now(), self._pace.lease)
        if claim is None:
            return False
        if (later := self._too_soon(claim)) is not None:
            await self._store.finish_delivery(claim, claim.delivery, later)
            return True
        began = time.monotonic()
        result = await self._publish(claim)
        self._report(claim, result, time.monotonic() - began)
        if not await self._finish(claim, result):
            _LOG.warning("%s: the lease of incident %s was lost", self._sink.name, claim.incident.id)
        return True

    async def _finish(self, claim: DeliveryClaim, result: Next) -> bool:
        """Patiently: what is not written down is published again when the lease ends."""

        async def finish() -> bool:
            return await self._store.finish_delivery(claim, result.delivery, result.due_at)

        return await self._patiently.run(f"{self._sink.name}: noting what was told", finish)

    async def _lane(self, wake: asyncio.Event) -> None:
        while not self._stopping:
            wake.clear()
            if not await self._safe_step():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), self._pace.poll)

    async def _safe_step(self) -> bool:
        """A step that outlives any failure of the store; logged when it begins and when it ends."""
        try:
            busy = await self.step()
        except Exception as error:  # noqa: BLE001 - the lane must go on: deliveries are durable, it is not
            self._note_store(describe(error))
            return False
        self._note_store("")
        return busy

    async def _publish(self, claim: DeliveryClaim) -> Next:
        try:
            async with asyncio.timeout(self._pace.publish_timeout):
                external_id = await self._sink.publish(claim.incident, claim.delivery)
        except TimeoutError:
            error = TemporaryError(f"{self._sink.name}: no answer within {self._pace.publish_timeout:g} s")
            return self._failed(claim, error)
        except Exception as error:  # noqa: BLE001 - whatever a sink raises is recorded and tried again
            return self._failed(claim, error)
        return succeeded(claim, self._sink, external_id, self._clock.now())

    def _failed(self, claim: DeliveryClaim, error: Exception) -> Next:
        result = failed(claim, error, self._pace.backoff, self._jitter, self._clock.now())
        if result.delivery.error != claim.delivery.error or result.delivery.state is not claim.delivery.state:
            _LOG.warning("%s: incident %s: %s", self._sink.name, claim.incident.id, result.delivery.error)
        return result

    def _too_soon(self, claim: DeliveryClaim) -> float | None:
        """When to tell a change that comes too soon after the last publication; None: now."""
        delivery = claim.delivery
        told = delivery.external_id and delivery.attempts == 0
        if not told or claim.incident.status is not IncidentStatus.OPEN:
            return None
        later = delivery.updated_at + self._sink.min_interval_seconds
        return later if later > self._clock.now() else None

    def _report(self, claim: DeliveryClaim, result: Next, seconds: float) -> None:
        analysis = claim.incident.analysis
        self._observe(
            Attempt(
                sink=self._sink.name,
                incident_id=claim.incident.id,
                outcome=result.outcome,
                seconds=seconds,
                analysed_at=analysis.finished_at if analysis else None,
                error=result.delivery.error,
            )
        )

    def _note_store(self, error: str) -> None:
        if error != self._store_error:
            self._store_error = error
            if error:
                _LOG.error("%s: store: %s", self._sink.name, error)
            else:
                _LOG.info("%s: the store answers again", self._sink.name)
