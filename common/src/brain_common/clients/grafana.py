"""Grafana's annotations over its HTTP API; for the service's Grafana sink.

Request bodies are as Grafana's OpenAPI document has them, times are milliseconds there and seconds here. An answer that
is none of Grafana's, such as the login page of a proxy in front of it, is never taken for success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import msgspec

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError

MAX_FOUND: Final = 100  # annotations looked at; more than a handful with one incident's tag never exist
_MAX_READ: Final = 4 << 20  # bytes of an answer; a hundred annotations of this product take a tenth of it
_MAX_ERROR: Final = 65536  # bytes of an error answer that are read
_MAX_SHOWN: Final = 2000  # bytes of it that may go into a message; safe_text shortens them further
_FIRST_MOMENT: Final = 1  # ms; Grafana takes a zero for "not given"
_PATH: Final = "/api/annotations"
_ORGANISATION: Final = "X-Grafana-Org-Id"
# Uncompressed: the answer is read as it comes, and a small one cannot become a large one.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the sink needs to know of one that exists; ``dashboard_uid`` is empty for the organisation's."""

    id: int
    dashboard_uid: str


class GrafanaRefusal(PermanentError):  # noqa: N818 - a refusal is what it is
    """Grafana answered with a status that trying again will not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Found(msgspec.Struct):
    id: int
    dashboardUID: str | None = None  # noqa: N815 - Grafana's name


class _Created(msgspec.Struct):
    id: int


class _Message(msgspec.Struct):
    message: str = ""


class GrafanaAnnotations:
    """Finds, creates, changes and deletes annotations.

    Every method raises ``TemporaryError`` when Grafana cannot be reached, is too slow, answers 5xx, 408, 425 or 429, or
    says what Grafana would not; ``GrafanaRefusal`` for any other status, redirects among them, which are not followed;
    and ``PermanentError`` when the credential cannot be read or sent. Times are seconds since the epoch.

    Args:
        settings: Base URL, with the path prefix if there is one; a service account's token as ``bearer``.
        organisation_id: Sent as ``X-Grafana-Org-Id``; None: the credential's own organisation.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: HttpSettings, organisation_id: int | None = None) -> None:
        self._settings = settings
        self._server = f"Grafana {settings.url}"
        self._client = build_client(settings)
        self._client.headers.update(_HEADERS)
        if organisation_id is not None:
            self._client.headers.setdefault(_ORGANISATION, str(organisation_id))

    async def find(self, tags: Sequence[str], begin: float, end: float) -> list[Annotation]:
        """Those that carry all ``tags`` and touch the time from ``begin`` to ``end``, oldest id first."""
        query = {"from": _milliseconds(begin), "to": _milliseconds(end), "tags": list(tags), "limit": MAX_FOUND}
        what = "find annotations"
        body = await self._ask("GET", _PATH, what, query=query)
        found = self._read_as(list[_Found], body, what, "is no list of annotations")
        return sorted((Annotation(one.id, one.dashboardUID or "") for one in found), key=lambda a: a.id)

    async def create(
        self, *, dashboard_uid: str, panel_id: int, begin: float, end: float, tags: Sequence[str], text: str
    ) -> int:
        """Add a region; for the whole organisation when ``dashboard_uid`` is empty. Returns its id."""
        command = _region(begin, end, tags, text)
        if dashboard_uid:
            command["dashboardUID"] = dashboard_uid
        if panel_id:
            command["panelId"] = panel_id
        what = "create annotation"
        body = await self._ask("POST", _PATH, what, command)
        return self._read_as(_Created, body, what, "has no id").id

    async def update(self, annotation_id: int, *, begin: float, end: float, tags: Sequence[str], text: str) -> None:
        """Change an existing one; where it is shown stays."""
        what = "change annotation"
        body = await self._ask("PATCH", f"{_PATH}/{annotation_id}", what, _region(begin, end, tags, text))
        self._read_as(_Message, body, what, "is no JSON object")

    async def delete(self, annotation_id: int) -> None:
        """Remove it."""
        what = "delete annotation"
        body = await self._ask("DELETE", f"{_PATH}/{annotation_id}", what)
        self._read_as(_Message, body, what, "is no JSON object")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        what: str,
        command: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body of an answer that is a success; every other one becomes an error that says ``what`` failed."""
        server = f"{self._server}: {what}"
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read, not their sum
                return await self._answer(server, self._client.build_request(method, path, json=command, params=query))
        except TimeoutError as error:
            raise TemporaryError(f"{server}: no answer within {seconds:g} s") from error
        except httpx.LocalProtocolError as error:  # its words repeat the header, which may be the credential
            raise PermanentError(f"{server}: a header or the credential is not fit to be sent") from error
        except httpx.TransportError as error:
            raise transport_error(server, self._settings, error) from error
        except (httpx.RequestError, OSError) as error:  # httpx lets a TLS alert during the answer pass as it is
            raise TemporaryError(f"{server}: {safe_text(self._settings, str(error))}") from error

    async def _answer(self, server: str, request: httpx.Request) -> bytes:
        response = await self._client.send(request, stream=True)
        try:
            if response.is_success:
                body = await _beginning(response, _MAX_READ)
                if len(body) > _MAX_READ:
                    raise TemporaryError(f"{server}: the answer is larger than {_MAX_READ} bytes; is this Grafana?")
                return body
            if response.is_redirect:
                message = f"{server}: redirected ({response.status_code}); is the URL right?"
                raise GrafanaRefusal(message, response.status_code)
            text = safe_text(self._settings, _words(await _beginning(response, _MAX_ERROR)))
        finally:
            await response.aclose()
        error = status_error(f"{server}:", response, text)
        raise error if isinstance(error, TemporaryError) else GrafanaRefusal(str(error), response.status_code)

    def _read_as(self, kind: type[_T], body: bytes, what: str, otherwise: str) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (ValueError, RecursionError) as error:  # ValueError: msgspec's own, and bytes that are no UTF-8
            is_json = isinstance(error, msgspec.ValidationError)
            problem = otherwise if is_json else "is no JSON"
            raise TemporaryError(f"{self._server}: {what}: the answer {problem}; is this Grafana?") from error


async def _beginning(response: httpx.Response, most: int) -> bytes:
    """At most one chunk more than ``most`` bytes."""
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > most:
            break
    return bytes(read)


def _words(body: bytes) -> str:
    """Grafana puts its reason into JSON; proxies in front of it do not."""
    try:
        message = msgspec.json.decode(body, type=_Message).message
    except (ValueError, RecursionError):
        message = ""
    return message or body[:_MAX_SHOWN].decode(errors="replace")


def _region(begin: float, end: float, tags: Sequence[str], text: str) -> dict[str, Any]:
    first = _milliseconds(begin)
    return {"time": first, "timeEnd": max(first, _milliseconds(end)), "tags": list(tags), "text": text}


def _milliseconds(seconds: float) -> int:
    return max(_FIRST_MOMENT, round(seconds * 1000))
