"""Argo CD's API, asked for all applications: their last operation and their history."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from brain_common.clock import Clock
from brain_exporters.changes.client import JsonApi
from brain_exporters.changes.model import Change
from brain_exporters.changes.payloads.argocd import FIELDS, Applications, changes
from brain_exporters.changes.polling import Poll

_DECODER: Final = msgspec.json.Decoder(Applications)


class ArgoCdPoll:
    """One kind of ``Poll``: the whole list each time, of which the part since the last time is new."""

    name = "argocd-api"

    def __init__(self, api: JsonApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def ask(self, poll: Poll) -> None:
        """Take what has happened since the last time."""
        now = self._clock.now()
        since = poll.since("argocd", now)
        reply = await self._api.get("/api/v1/applications", {"fields": FIELDS})
        found = await asyncio.to_thread(self._read, reply.body or b"{}", now, since)
        await poll.take("argocd", found, {"argocd": f"{now:.3f}"})

    def _read(self, body: bytes, now: float, since: float) -> list[Change]:
        """In a thread: of thousands of applications it takes a while."""
        items = self._api.read_as(_DECODER, body, "list of applications").items or ()
        found = (change for application in items for change in changes(application, now, since))
        return sorted(found, key=lambda change: change.timestamp)
