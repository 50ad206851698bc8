"""Questions to an API that answers in JSON: bounded in time and size, with the pauses that the server asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx
import msgspec

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError

_MAX_READ: Final = 64 << 20  # bytes of an answer: thousands of Argo CD applications with their histories
_MAX_ERROR: Final = 65536  # bytes of an error answer that are read
_MAX_SHOWN: Final = 2000  # bytes of it that may go into a message; safe_text shortens them further
_MAX_PAUSE: Final = 3600.0  # seconds: a server that asks for more is asked again after that

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A success; ``body`` is None where nothing has changed since the answer named by the request's ETag."""

    body: bytes | None
    headers: httpx.Headers


class JsonApi:
    """Args:
    name: For messages, e.g. ``GitLab``.
    settings: Where and how.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, name: str, settings: HttpSettings) -> None:
        self._settings = settings
        self._server = f"{name} {settings.url}"
        self._client = build_client(settings)
        self._client.headers["Accept"] = "application/json"

    async def get(self, path: str, query: Mapping[str, Any], etag: str | None = None) -> Reply:
        """Ask.

        Raises:
            TemporaryError: No answer, 5xx, 429, or an answer that is too large; with the pause the server asks for.
            PermanentError: Any other status, redirects among them, or the credential cannot be read.
        """
        headers = {"If-None-Match": etag} if etag else {}
        return await self._send(self._client.build_request("GET", path, params=dict(query), headers=headers))

    async def patch(self, path: str, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        """Tell; ``secret`` is what no message may show.

        Raises:
            TemporaryError, PermanentError: As above.
        """
        await self._send(self._client.build_request("PATCH", path, content=body, headers=dict(headers)), (secret,))

    def read_as(self, decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
        """What an answer says.

        Raises:
            TemporaryError: It is no such JSON: the server is being changed, or another one answers.
        """
        try:
            return decoder.decode(body)
        except (ValueError, RecursionError, OverflowError) as error:  # ValueError: msgspec's own, and no UTF-8
            raise TemporaryError(f"{self._server}: the answer is no {what}: {str(error)[:200]}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send(self, request: httpx.Request, secrets: tuple[str, ...] = ()) -> Reply:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read, not their sum
                return await self._answer(request, secrets)
        except TimeoutError as error:
            raise TemporaryError(f"{self._server}: no answer within {seconds:g} s") from error
        except httpx.LocalProtocolError as error:  # its words repeat the header, which may be the credential
            raise PermanentError(f"{self._server}: a header or the credential is not fit to be sent") from error
        except httpx.TransportError as error:
            raise transport_error(self._server, self._settings, error) from error
        except (httpx.RequestError, OSError) as error:  # httpx lets a TLS alert during the answer pass as it is
            raise TemporaryError(f"{self._server}: {safe_text(self._settings, str(error), secrets)}") from error

    async def _answer(self, request: httpx.Request, secrets: tuple[str, ...]) -> Reply:
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Reply(None, response.headers)
            if response.is_success:
                body = await _beginning(response, _MAX_READ)
                if len(body) > _MAX_READ:
                    raise TemporaryError(f"{self._server}: the answer is larger than {_MAX_READ} bytes")
                return Reply(body, response.headers)
            if response.is_redirect:
                raise PermanentError(f"{self._server}: redirected ({response.status_code}); is the URL right?")
            words = (await _beginning(response, _MAX_ERROR))[:_MAX_SHOWN].decode(errors="replace")
        finally:
            await response.aclose()
        error = status_error(self._server, response, safe_text(self._settings, words, secrets))
        if isinstance(error, TemporaryError):
            error.retry_after = error.retry_after or pause_of(response.headers)
        raise error


def pause_of(headers: httpx.Headers) -> float | None:
    """Seconds the server asks to wait: until ``RateLimit-Reset`` where nothing remains (GitLab's form, an epoch)."""
    if headers.get("RateLimit-Remaining", "0") != "0":
        return None
    reset, now = headers.get("RateLimit-Reset", ""), headers.get("Date", "")
    if not (reset.isascii() and reset.isdigit()):
        return None
    try:  # by the server's own clock, so that ours need not agree
        return min(max(float(reset) - parsedate_to_datetime(now).timestamp(), 0.0), _MAX_PAUSE)
    except ValueError:
        return None


async def _beginning(response: httpx.Response, most: int) -> bytes:
    """At most one chunk more than ``most`` bytes, inflated."""
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > most:
            break
    return bytes(read)
