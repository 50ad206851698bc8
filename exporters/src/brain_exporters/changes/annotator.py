"""Brings waiting annotations to Grafana, one after the other, for as long as it takes.

An annotation is found by the tag that names its change, so one that was made and whose answer was lost, or that an
earlier state of the change has, is changed rather than made again. What Grafana refuses for its content is dropped and
counted; what it refuses for the credential waits, since that can be put right.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import httpx
import msgspec

from brain_common.clients.grafana import GrafanaAnnotations, GrafanaRefusal
from brain_common.errors import BrainError
from brain_exporters.changes.config import AnnotationSettings
from brain_exporters.changes.outbox import Outbox, Planned
from brain_exporters.runtime.ledger import Ledger

_HOPELESS: Final = frozenset({400, 413, 422})  # of the content; all others can be put right
_AROUND: Final = 86400.0  # seconds around the change where its annotation is looked for
_PERIOD: Final = 0.5  # seconds between two looks into an empty box
_LONGEST: Final = 60.0  # seconds between two tries
_DECODER: Final = msgspec.msgpack.Decoder(Planned)
_log = logging.getLogger(__name__)


class Annotator:
    """Args:
    settings: Grafana's.
    outbox: What waits.
    ledger: Where it is counted.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: AnnotationSettings, outbox: Outbox, ledger: Ledger) -> None:
        self._grafana = GrafanaAnnotations(settings, settings.organisation_id)
        self._dashboard_uid = settings.dashboard_uid
        self._outbox = outbox
        self._ledger = ledger
        self._said = ""
        self.up = True

    async def run(self) -> None:
        """Until cancelled."""
        pause = _PERIOD
        try:
            while True:
                try:
                    pause = 0.0 if await self._next() else _PERIOD
                    self._tell("")
                except BrainError as error:
                    pause = min(max(2 * pause, _PERIOD, getattr(error, "retry_after", None) or 0.0), _LONGEST)
                    self._tell(str(error))
                await asyncio.sleep(pause)
        finally:
            await self._grafana.aclose()

    async def _next(self) -> bool:
        """Make one; False when none waits."""
        found = self._outbox.first()
        if found is None:
            return False
        key, blob = found
        try:
            result = await self._make(_DECODER.decode(blob))
        except GrafanaRefusal as error:
            if error.status not in _HOPELESS:
                raise
            _log.warning("an annotation is dropped: %s", error)
            result = "refused"
        await asyncio.to_thread(self._outbox.finish, self._ledger, key, blob, result)
        return True

    async def _make(self, wanted: Planned) -> str:
        there = await self._grafana.find([wanted.change], wanted.begin - _AROUND, wanted.end + _AROUND)
        if there:
            await self._grafana.update(
                there[0].id, begin=wanted.begin, end=wanted.end, tags=wanted.tags, text=wanted.text
            )
            return "updated"
        try:
            await self._create(wanted, self._dashboard_uid)
        except GrafanaRefusal as error:
            if error.status != httpx.codes.NOT_FOUND or not self._dashboard_uid:
                raise
            await self._create(wanted, "")  # no such dashboard: for the organisation, rather than not at all
        return "created"

    async def _create(self, wanted: Planned, dashboard_uid: str) -> None:
        await self._grafana.create(
            dashboard_uid=dashboard_uid,
            panel_id=0,
            begin=wanted.begin,
            end=wanted.end,
            tags=wanted.tags,
            text=wanted.text,
        )

    def _tell(self, problem: str) -> None:
        """Once, not at each try."""
        self.up = not problem
        if problem and problem != self._said:
            _log.warning("annotations wait: %s", problem)
        elif self._said and not problem:
            _log.info("annotations are made again")
        self._said = problem
