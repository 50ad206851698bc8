"""Once in a while: gauges of the queues, scores of open incidents, the closing of silent ones, and the end of old."""

from __future__ import annotations

import asyncio
import logging

from brain_common.clock import Clock
from brain_common.errors import TemporaryError
from brain_rca.metrics import Metrics
from brain_rca.store.protocol import Store

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0
_SILENCE_EVERY_SECONDS = 60.0
_PRUNE_EVERY_SECONDS = 3600.0
_DAY = 86400.0
_BATCH = 200


class Upkeep:
    """One task; reads the changes of all replicas, so that each shows all open incidents."""

    def __init__(
        self, store: Store, metrics: Metrics, clock: Clock, retention_days: float, silence_seconds: float
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._retention_seconds = retention_days * _DAY
        self._silence_seconds = silence_seconds
        self._cursor = 0
        self._silence_at = 0.0
        self._prune_at = 0.0

    async def run(self) -> None:
        """Until cancelled; trouble with the store is waited out."""
        while True:
            try:
                await self.step()
            except TemporaryError as error:
                _log.warning("store: %s", error)
            except Exception:  # noqa: BLE001 - without this task the gauges stand still and no alert tells
                _log.exception("upkeep failed")
            await asyncio.sleep(_EVERY_SECONDS)

    async def step(self) -> None:
        """One round."""
        await self._silence()
        await self._scores()
        await self._gauges()
        if self._clock.now() >= self._prune_at:
            await self._store.prune(self._clock.now() - self._retention_seconds)
            self._prune_at = self._clock.now() + _PRUNE_EVERY_SECONDS

    async def _silence(self) -> None:
        now = self._clock.now()
        if now < self._silence_at:
            return
        closed = await self._store.close_silent(now - self._silence_seconds, now)
        self._silence_at = now + _SILENCE_EVERY_SECONDS
        if closed:
            _log.warning("closed %d incidents: no notification for %.0f s", closed, self._silence_seconds)

    async def _scores(self) -> None:
        while True:
            changed, self._cursor = await self._store.changed_since(self._cursor, _BATCH)
            for incident in changed:
                self._metrics.scores.update(incident)
            if len(changed) < _BATCH:
                return

    async def _gauges(self) -> None:
        now = self._clock.now()
        depths = await self._store.depths(now)
        oldest = max(now - depths.oldest_due_at, 0.0) if depths.oldest_due_at is not None else 0.0
        queues = {"analyses": depths.analyses} | dict(depths.deliveries)
        self._metrics.queues(queues, depths.open_incidents, oldest)
