"""The lake is kept quick and small in the background of whatever writes to it.

Exporters start one ``LakeUpkeep`` each, replicas included: whoever comes second to the same work leaves it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

from brain_common.clock import Clock
from brain_common.errors import BrainError
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Maintenance
from brain_lake.schemas import TABLES, TableSchema

_log = logging.getLogger(__name__)
_JITTER: Final = 0.2  # of the interval, on top
_VACUUM_SECONDS: Final = 6 * 3600.0  # between two: it lists every file there is


class LakeUpkeep:
    """Compacts, deletes what is too old, sums up the log, and now and then vacuums.

    Args:
        maintenance: Does the work.
        settings: How often.
        tables: Which; an exporter may keep to those it writes.
        sleep: Waits between rounds; an argument so that tests need no time.
        jitter: Draws from [0, 1), so that replicas do not work at the same moments.
    """

    def __init__(
        self,
        maintenance: Maintenance,
        settings: UpkeepSettings,
        tables: tuple[TableSchema, ...] = TABLES,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._maintenance = maintenance
        self._settings = settings
        self._tables = tables
        self._sleep = sleep
        self._jitter = jitter
        self._said: dict[str, str] = {}

    async def run(self) -> None:
        """Work until cancelled. What goes wrong is logged, once while it stays the same, and tried again."""
        since_vacuum = 0.0
        while True:
            pause = self._settings.interval_seconds * (1 + _JITTER * self._jitter())
            await self._sleep(pause)
            since_vacuum += pause
            await self.round(vacuum=since_vacuum >= _VACUUM_SECONDS)
            if since_vacuum >= _VACUUM_SECONDS:
                since_vacuum = 0.0

    async def round(self, *, vacuum: bool) -> None:
        """Every table once; one that fails does not keep the others from it."""
        for schema in self._tables:
            try:
                said = await asyncio.to_thread(self._keep, schema, vacuum=vacuum)
            except BrainError as error:
                self._tell(schema, logging.WARNING, f"{error}; trying again in the next round")
            else:
                self._tell(schema, logging.INFO, said)

    def _keep(self, schema: TableSchema, *, vacuum: bool) -> str:
        """What there is to say of it."""
        steps: list[Any] = [self._maintenance.compact(schema), self._maintenance.retain(schema)]
        if vacuum:
            self._maintenance.checkpoint(schema)
            steps.append(self._maintenance.vacuum(schema))
        if any(step is not None and step.conflicts for step in steps):
            return f"lake table {schema.name}: another process was at work on it, the rest is left to the next round"
        return ""

    def _tell(self, schema: TableSchema, level: int, text: str) -> None:
        """Once, while it stays the same."""
        if text and self._said.get(schema.name) != text:
            _log.log(level, "%s", text)
        self._said[schema.name] = text


def open_upkeep(
    lake: LakeSettings,
    settings: UpkeepSettings,
    tables: tuple[TableSchema, ...] = TABLES,
    *,
    clock: Clock | None = None,
) -> LakeUpkeep:
    """Upkeep of the configured lake; nothing is reached yet."""
    return LakeUpkeep(Maintenance(LakeLocation.of(lake), settings, clock), settings, tables)
