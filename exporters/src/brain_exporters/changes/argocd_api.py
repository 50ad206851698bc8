"""Argo CD's API, asked for all applications: their last operation and their history."""

from __future__ import annotations

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
        items = self._api.read_as(_DECODER, reply.body or b"{}", "list of applications").items or ()
        found: list[Change] = [
            change for application in items for change in changes(application, now) if change.timestamp >= since
        ]
        await poll.take("argocd", sorted(found, key=lambda change: change.timestamp), {"argocd": f"{now:.3f}"})
