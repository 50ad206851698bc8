"""Answers to Terraform run tasks: each passes, for this exporter only looks on.

Terraform waits for the answer at an address that stands in its request. That address is data, so it is never called as
it stands: only the id of the task is taken from it, and only where the rest is a server of the configuration. The token
that comes along is good for this one answer; it is kept in memory alone, so a process that is killed within a second of
a request leaves its task unanswered: attach the task as advisory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.datastructures import Headers

from brain_common.clients.http import HttpSettings
from brain_common.errors import BrainError, TemporaryError
from brain_common.retry import Retry, RetryPolicy
from brain_exporters.changes.client import JsonApi
from brain_exporters.changes.payloads.terraform import Callback, callback

_PATIENCE: Final = RetryPolicy(deadline_seconds=540.0)  # Terraform gives up after ten minutes
_MOST: Final = 200  # answers that wait at one time
_BODY: Final = msgspec.json.encode(
    {"data": {"type": "task-results", "attributes": {"status": "passed", "message": "recorded as a change"}}}
)
_log = logging.getLogger(__name__)


class RunTasks:
    """Args:
    servers: The only ones that are answered.
    retry: How long an answer is tried.
    """

    def __init__(self, servers: Sequence[HttpSettings], retry: Retry | None = None) -> None:
        self._servers = tuple((server, JsonApi("Terraform", server)) for server in servers)
        self._retry = retry or Retry(_PATIENCE)
        self._waiting: set[asyncio.Task[None]] = set()
        self.results = {"answered": 0, "refused": 0, "failed": 0}

    def taken(self, body: bytes, headers: Headers) -> None:
        """A delivery is durable; answer it if it is a run task."""
        found = callback(body, headers)
        if found is None:
            return
        server = next((api for settings, api in self._servers if _is_of(settings, found)), None)
        if server is None or len(self._waiting) >= _MOST:
            self.results["refused"] += 1
            _log.warning("run task %s is not answered: its server is none of terraform.servers", found.result_id)
            return
        task = asyncio.create_task(self._answer(server, found), name="run-task")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def aclose(self) -> None:
        """Give up what waits, and close the connections."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        for _, server in self._servers:
            await server.aclose()

    async def _answer(self, server: JsonApi, found: Callback) -> None:
        headers = {"Authorization": f"Bearer {found.token}", "Content-Type": "application/vnd.api+json"}
        path = f"/api/v2/task-results/{found.result_id}/callback"
        try:
            await self._retry.run("run task", lambda: server.patch(path, _BODY, headers, found.token))
        except BrainError as error:
            self.results["failed"] += 1
            temporary = isinstance(error, TemporaryError)
            _log.warning("run task %s: %s", found.result_id, error if temporary else f"refused: {error}")
        else:
            self.results["answered"] += 1


def _is_of(settings: HttpSettings, found: Callback) -> bool:
    """Whether the address is the server's: the whole of it, so that no other host can begin like it."""
    return found.url == f"{settings.url}/api/v2/task-results/{found.result_id}/callback"
