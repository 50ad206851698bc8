"""One question to a server, one answer in memory: bounded in time, bytes and concurrency, with errors translated.

For servers that are read by a few large answers: logs, traces. It knows no server's API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import Field

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError
from brain_common.retry import Retry, RetryPolicy

_ERROR_BODY = 4096  # bytes of an error answer that are read


class ReadSettings(HttpSettings):
    """What all servers that are read have in common."""

    deadline_seconds: float = Field(20.0, gt=0, le=600, description="For one query with its repetitions.")
    most_bytes: int = Field(32 << 20, ge=1024, description="Largest answer read, after decompression.")
    most_queries: int = Field(4, ge=1, le=64, description="Queries at the same time.")


class Reader:
    """Asks one server.

    Args:
        name: For messages, such as ``Loki``.
        settings: Where and how.
        transport: Replaces the network in tests.
    """

    def __init__(self, name: str, settings: ReadSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._http = build_client(settings, transport, settings.most_queries)
        self._free = asyncio.Semaphore(settings.most_queries)
        self._retry = Retry(RetryPolicy(settings.deadline_seconds))
        self.name = f"{name} {settings.url}"

    async def get(self, path: str, params: Sequence[tuple[str, str]]) -> bytes:
        """The body of the answer.

        Raises:
            TemporaryError: No answer, or 5xx, within the deadline.
            PermanentError: The server refused, or the answer is too large.
        """
        return await self._run("GET", path, {"params": list(params)})

    async def post_json(self, path: str, body: Mapping[str, Any], params: Mapping[str, str]) -> bytes:
        """As ``get``, with a question in JSON."""
        return await self._run("POST", path, {"params": dict(params), "json": body})

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    def safe(self, text: str) -> str:
        """The server's words, fit for a message."""
        return safe_text(self._settings, text)

    async def _run(self, method: str, path: str, what: Mapping[str, Any]) -> bytes:
        async with self._free:  # before the clock of the deadline starts: waiting for a turn is not the server's fault
            return await self._retry.run(self.name, lambda: self._ask(method, path, what))

    async def _ask(self, method: str, path: str, what: Mapping[str, Any]) -> bytes:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read, not their sum
                async with self._http.stream(method, path, **what) as response:
                    if response.status_code != 200:
                        raise status_error(self.name, response, self.safe(await _beginning(response)))
                    return await self._read(response)
        except TimeoutError as error:
            raise TemporaryError(f"{self.name}: no answer within {seconds:g} s") from error
        except httpx.TransportError as error:
            raise transport_error(self.name, self._settings, error) from error
        except httpx.RequestError as error:  # the body is not what its Content-Encoding says
            raise PermanentError(f"{self.name}: {self.safe(str(error))}") from error
        except OSError as error:  # httpx lets a TLS alert during the answer pass as it is
            raise TemporaryError(f"{self.name}: {self.safe(str(error))}") from error

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.most_bytes:
                raise PermanentError(f"{self.name}: the answer is larger than most_bytes ({self._settings.most_bytes})")
        return bytes(body)


async def _beginning(response: httpx.Response) -> str:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= _ERROR_BODY:
            break
    return bytes(body[:_ERROR_BODY]).decode(errors="replace")
