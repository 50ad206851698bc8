"""Asking an API now and then: what it tells goes the same way as deliveries do, so that what came by both counts once.

A position is a time, and the next question begins a little before it: what it tells twice is recognised, what becomes
visible late is not missed. Whatever goes wrong is told to ``Health`` and tried again, no sooner than the server asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from brain_common.errors import BrainError, TemporaryError
from brain_exporters.changes.client import JsonApi
from brain_exporters.changes.config import PollSettings
from brain_exporters.changes.model import Change
from brain_exporters.changes.recorder import Recorder
from brain_exporters.runtime.exporter import Context

_OVERLAP: Final = 300.0  # seconds: clocks differ, and a record is visible later than its time says
_LONGEST_AWAY: Final = 7 * 86400.0  # seconds; what happened longer ago might be forgotten, and would count again


class Asking(Protocol):
    """What is asked; ``name`` is the source in ``Health``."""

    name: str

    async def ask(self, poll: Poll) -> None:
        """Once. Raises ``BrainError``."""
        ...


class Poll:
    """Args:
    settings: How often, and how far back at first.
    asking: What is asked.
    api: Closed at the end.
    recorder: Where it goes.
    context: The runtime's.
    """

    def __init__(
        self, settings: PollSettings, asking: Asking, api: JsonApi, recorder: Recorder, context: Context
    ) -> None:
        self._settings = settings
        self._asking = asking
        self._api = api
        self._recorder = recorder
        self._context = context

    def since(self, position: str, now: float) -> float:
        """From when on something is new, seconds since the epoch."""
        known = self._context.ledger.position(position)
        begin = now - 3600.0 * self._settings.lookback_hours if known is None else float(known) - _OVERLAP
        return max(begin, now - _LONGEST_AWAY)

    async def take(self, source: str, changes: Sequence[Change], positions: Mapping[str, str]) -> None:
        """Make them durable, together with how far was read.

        Raises:
            TemporaryError: That cannot be done now.
        """
        await self._recorder.record(source, changes, positions, is_request=False)

    async def run(self) -> None:
        """Until cancelled."""
        health, name = self._context.health, self._asking.name
        try:
            while True:
                pause = self._settings.period_seconds
                try:
                    await self._asking.ask(self)
                    health.ok(name)
                except BrainError as error:
                    health.failed(name, error)
                    hint = error.retry_after if isinstance(error, TemporaryError) else None
                    pause = max(pause, hint or 0.0)
                await asyncio.sleep(pause)
        finally:
            await self._api.aclose()
