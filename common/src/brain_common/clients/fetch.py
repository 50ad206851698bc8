"""Questions whose answers are bounded in time and bytes, for servers that are asked for documents.

What an answer means is the caller's business; how long and how large it may be, and which failures pass by themselves,
is decided here once. A server that cannot be reached is said to be so soon, and of many questions only the first few
wait for it: the rest are told the same.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from pydantic import Field

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError, UnreachableError
from brain_common.retry import Retry, RetryPolicy

_ERROR_BODY = 4096  # bytes of an error answer that are read
_REACH_SHARE = 0.1  # of a question's deadline, to find somebody who listens
_ELSEWHERE = frozenset({404, 405})  # what a server that is not the one meant says: the path tells which was
_AWAY_SECONDS = 2.0  # for which nobody waits again for a server that could not be reached
Parameters = Mapping[str, object]
"""Of a question, as httpx takes them: text, numbers, or lists of text for several of one name."""


class FetchSettings(HttpSettings):
    """A server that answers questions with documents."""

    timeout_seconds: float = Field(10.0, gt=0, le=600, description="For one request, start to end.")
    deadline_seconds: float = Field(
        20.0,
        gt=0,
        le=600,
        description="For one question with its repetitions; a tenth of it while there is no connection at all. A "
        "source of evidence takes at most two fifths of its own time for one.",
    )
    most_bytes: int = Field(16 << 20, ge=1024, description="Largest answer read, after decompression.")
    most_queries: int = Field(4, ge=1, le=64, description="Requests at the same time.")


def plain_reason(body: bytes) -> str:
    """What an error answer says, for servers that say it in text."""
    return body[:_ERROR_BODY].decode(errors="replace")


class Fetcher:
    """Asks one server; bounded in time, bytes and concurrency.

    Args:
        name: What the server is, for messages.
        settings: Where and how.
        transport: Replaces the network in tests.
        reason: Finds what the beginning of an error answer says.
        compress: Whether the server may compress its answers.
    """

    def __init__(
        self,
        name: str,
        settings: FetchSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        reason: Callable[[bytes], str] = plain_reason,
        compress: bool = True,
    ) -> None:
        self._settings = settings
        self._reason = reason
        self._http = build_client(settings, transport, settings.most_queries)
        if not compress:
            self._http.headers["Accept-Encoding"] = "identity"
        self._free = asyncio.Semaphore(settings.most_queries)
        deadline = settings.deadline_seconds
        self._retry = Retry(RetryPolicy(deadline, unreachable_seconds=deadline * _REACH_SHARE))
        self._hasty = Retry(RetryPolicy(deadline, unreachable_seconds=0.0))
        self._away = ""  # why nobody could be reached, and when that was last found
        self._away_at = -math.inf
        self.name = f"{name} {settings.url}"

    async def get(self, path: str, parameters: Parameters) -> bytes:
        """The body of a 200 answer.

        Raises:
            UnreachableError: There is no connection; said within a tenth of the deadline, or one time-out.
            TemporaryError: No answer, or 5xx, within the deadline.
            PermanentError: The server refused, or the answer is too large.
        """
        return await self._run("GET", path, {"params": dict(parameters)})

    async def post_form(self, path: str, parameters: Parameters) -> bytes:
        """As ``get``, for parameters that may be too long for an address."""
        return await self._run("POST", path, {"data": dict(parameters)})

    async def post_json(self, path: str, parameters: Parameters, question: Mapping[str, Any]) -> bytes:
        """As ``get``, for a question in JSON."""
        return await self._run("POST", path, {"params": dict(parameters), "json": question})

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _run(self, method: str, path: str, question: Mapping[str, Any]) -> bytes:
        began = time.monotonic()
        async with self._free:  # before the clock of the deadline starts: waiting for a turn is not the server's fault
            if began < self._away_at:  # it waited for its turn while others found nobody
                raise UnreachableError(self._away)
            recently = time.monotonic() < self._away_at + _AWAY_SECONDS
            try:
                return await (self._hasty if recently else self._retry).run(
                    self.name, lambda: self._ask(method, path, question)
                )
            except UnreachableError as error:
                self._away, self._away_at = str(error), time.monotonic()
                raise

    async def _ask(self, method: str, path: str, question: Mapping[str, Any]) -> bytes:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read, not their sum
                return await self._answer(method, path, question)
        except TimeoutError as error:
            raise TemporaryError(f"{self.name}: no answer within {seconds:g} s") from error
        except httpx.TransportError as error:
            raise transport_error(self.name, self._settings, error) from error
        except httpx.RequestError as error:  # the body is not what its Content-Encoding says
            raise PermanentError(f"{self.name}: {safe_text(self._settings, str(error))}") from error
        except OSError as error:  # httpx lets a TLS alert during the answer pass as it is
            raise TemporaryError(f"{self.name}: {safe_text(self._settings, str(error))}") from error

    async def _answer(self, method: str, path: str, question: Mapping[str, Any]) -> bytes:
        headers = {"Accept": "application/json"}
        async with self._http.stream(method, path, headers=headers, **question) as response:
            if response.status_code != 200:
                text = self._reason(await self._read(response, _ERROR_BODY, cut=True))
                asked = f"{self.name}{path}" if response.status_code in _ELSEWHERE else self.name
                raise status_error(asked, response, safe_text(self._settings, text))
            return await self._read(response, self._settings.most_bytes, cut=False)

    async def _read(self, response: httpx.Response, most: int, *, cut: bool) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > most:
                if cut:
                    break
                raise PermanentError(f"{self.name}: the answer is larger than most_bytes ({most})")
        return bytes(body)
