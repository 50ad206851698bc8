"""Sources that answer with records rather than files: LookupEvents and a log group.

Both are read again some time back at each look, because events arrive late; what was seen is not counted again. The
position moves only when a look is through, and a crash in between repeats the look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from brain_common.clock import Clock
from brain_exporters.cloudtrail.client import Client
from brain_exporters.cloudtrail.config import LogsSettings, LookupSettings
from brain_exporters.cloudtrail.intake import Intake
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

_LOOKUP_DAYS: Final = 90 * 86400.0  # seconds that LookupEvents keeps


class Records:
    """Counts pages of records.

    Args:
        intake: Counts.
        ledger: Where batches go.
        turn: Held from counting to the commit.
    """

    def __init__(self, intake: Intake, ledger: Ledger, turn: asyncio.Lock) -> None:
        self._intake = intake
        self.ledger = ledger
        self._turn = turn

    async def take(self, texts: list[str], origin: str) -> None:
        """Count a page; texts that are no JSON are malformed records."""
        good: list[msgspec.Raw] = []
        bad: list[bytes] = []
        for text in texts:
            raw = text.encode("utf-8", "replace")
            try:
                good.append(msgspec.json.decode(raw, type=msgspec.Raw))
            except (msgspec.DecodeError, RecursionError):
                bad.append(raw)
        async with self._turn:
            taken = await asyncio.to_thread(self._intake.take, good, bad, origin, again=True)
            await self.ledger.commit_when_room(taken.batch)
            self._intake.done(taken)

    def since(self, source: str, back: float, default: float) -> float:
        """From when a source is read."""
        position = self.ledger.position(source)
        return float(position) - back if position else default


async def look_up(records: Records, client: Client, settings: LookupSettings, clock: Clock) -> None:
    """One look with LookupEvents."""
    until = clock.now()
    token = ""
    since = records.since("lookup", settings.lookback_seconds, until - _LOOKUP_DAYS)
    while True:
        texts, token = await asyncio.to_thread(client.looked_up, since, until, token)
        await records.take(texts, "LookupEvents")
        await asyncio.sleep(1.0 / settings.requests_per_second)
        if not token:
            break
    await records.ledger.commit_when_room(Batch(positions={"lookup": repr(until)}))


async def read_log_group(records: Records, client: Client, settings: LogsSettings, clock: Clock) -> None:
    """One look at a log group."""
    until = clock.now()
    since = records.since("logs", settings.lookback_seconds, until - settings.lookback_seconds)
    pages = client.log_events(settings.group, since)
    following: Callable[[], list[str] | None] = lambda: next(pages, None)  # noqa: E731 - for the thread
    while (texts := await asyncio.to_thread(following)) is not None:
        await records.take(texts, settings.group)
    await records.ledger.commit_when_room(Batch(positions={"logs": repr(until)}))
