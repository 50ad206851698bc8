"""Grafana's annotations, by the ``grafana-client`` package; for the service's Grafana sink.

It adds to that package what a long-running service needs: errors of this product's tree, no redirects (a
login page would look like an answer), no revocation look-ups at addresses named by a certificate,
milliseconds made of seconds, and request bodies as Grafana's OpenAPI document has them (the package sends
``"panelId": null``, which it has not).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import niquests
import niquests.auth
import niquests.exceptions
from grafana_client.api import AsyncGrafanaApi
from grafana_client.client import GrafanaException

from brain_common.clients.http import HttpSettings, TlsSettings, _authorization, _ssl_context, safe_text
from brain_common.errors import PermanentError, TemporaryError

MAX_FOUND: Final = 100  # annotations looked at; more than a handful with one incident's tag never exist
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_FIRST_MOMENT: Final = 1  # ms; Grafana takes a zero for "not given"


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


class GrafanaAnnotations:
    """Finds, creates, changes and deletes annotations.

    Every method raises ``TemporaryError`` when Grafana cannot be reached, is too slow or answers 5xx or 429,
    and ``GrafanaRefusal`` otherwise. Times are seconds since the epoch.

    Args:
        settings: Base URL, with the path prefix if there is one; a service account's token as ``bearer``.
        organisation_id: Sent as ``X-Grafana-Org-Id``; None: the credential's own organisation.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: HttpSettings, organisation_id: int | None = None) -> None:
        self._settings = settings
        self._server = f"Grafana {settings.url}"
        _ssl_context(settings)  # the package reads the files at the first request, too late to stop the start
        self._api = _api(settings, organisation_id)

    async def find(self, tags: Sequence[str], begin: float, end: float) -> list[Annotation]:
        """Those that carry all ``tags`` and touch the time from ``begin`` to ``end``, oldest id first."""
        call = self._api.annotations.find_annotations(
            time_from=_milliseconds(begin),
            time_to=_milliseconds(end),
            tags=[quote(tag, safe="") for tag in tags],  # the package puts them into the URL as they are
            limit=MAX_FOUND,
        )
        found = await self._answer(call, "find annotations")
        if not isinstance(found, list):
            raise TemporaryError(f"{self._server}: find annotations: the answer is no list; is this Grafana?")
        return sorted((_annotation(item) for item in found if isinstance(item, dict)), key=lambda a: a.id)

    async def create(
        self, *, dashboard_uid: str, panel_id: int, begin: float, end: float, tags: Sequence[str], text: str
    ) -> int:
        """Add a region; for the whole organisation when ``dashboard_uid`` is empty. Returns its id."""
        first = _milliseconds(begin)
        call = self._api.annotations.add_annotation(
            dashboard_uid=dashboard_uid or None,
            panel_id=panel_id,
            time_from=first,
            time_to=max(first, _milliseconds(end)),
            tags=list(tags),
            text=text,
        )
        answer = await self._answer(call, "create annotation")
        created = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(created, int):
            raise TemporaryError(f"{self._server}: create annotation: the answer has no id; is this Grafana?")
        return created

    async def update(self, annotation_id: int, *, begin: float, end: float, tags: Sequence[str], text: str) -> None:
        """Change an existing one; where it is shown stays."""
        first = _milliseconds(begin)
        call = self._api.annotations.partial_update_annotation(
            annotation_id,
            time_from=first,
            time_to=max(first, _milliseconds(end)),
            tags=list(tags),
            text=text,
        )
        await self._answer(call, "change annotation")

    async def delete(self, annotation_id: int) -> None:
        """Remove it."""
        await self._answer(self._api.annotations.delete_annotations_by_id(annotation_id), "delete annotation")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.client.s.close()

    async def _answer(self, call: Any, what: str) -> Any:  # noqa: ANN401 - the package has no types
        try:
            return await call
        except GrafanaException as error:
            raise self._translated(error, what) from error
        except niquests.exceptions.TooManyRedirects as error:
            raise GrafanaRefusal(f"{self._server}: {what}: redirected; is the URL right?", 302) from error
        except (
            OSError,
            ValueError,
        ) as error:  # all of niquests' own are OSError; ValueError: the answer is no JSON
            raise TemporaryError(f"{self._server}: {what}: {self._words(error)}") from error

    def _words(self, error: Exception) -> str:
        """The server's words may be a whole page, and may repeat what it was sent."""
        return safe_text(self._settings, str(error)) or type(error).__name__

    def _translated(self, error: GrafanaException, what: str) -> Exception:
        status = int(error.status_code or 0)
        message = f"{self._server}: {what}: {self._words(error)}"
        if status == 0 or status >= 500 or status in _TRY_AGAIN:
            return TemporaryError(message)
        return GrafanaRefusal(message, status)


class _Credentials(niquests.auth.AsyncAuthBase):
    """Adds the Authorization header; secret files are read anew each time, since mounted tokens rotate."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    async def __call__(self, request: niquests.PreparedRequest) -> niquests.PreparedRequest:
        header = await asyncio.to_thread(_authorization, self._settings)
        if header:
            assert request.headers is not None
            request.headers["Authorization"] = header
        return request


def _api(settings: HttpSettings, organisation_id: int | None) -> AsyncGrafanaApi:
    """The package takes neither an asynchronous credential nor these session settings, so both are put in
    after.
    """
    url = urlsplit(settings.url)
    prefix = url.path.strip("/")
    api = AsyncGrafanaApi(
        host=f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname,
        port=url.port,
        url_path_prefix=f"{prefix}/" if prefix else "",
        protocol=url.scheme,
        verify=_verify(settings.tls),
        timeout=settings.timeout_seconds,
        organization_id=organisation_id,
    )
    api.client.auth = _Credentials(settings)
    api.client.s = _session(settings, api.client.s.headers)
    return api


def _session(settings: HttpSettings, headers: Mapping[str, str]) -> niquests.AsyncSession:
    session = niquests.AsyncSession(
        headers={**headers, **settings.headers},
        disable_http3=True,
        revocation_configuration=None,
        allow_incoming_cookies=False,
    )
    session.max_redirects = 0
    session.trust_env = False  # as in clients.http: a stray HTTP_PROXY would see credentials
    if settings.tls.cert_file and settings.tls.key_file:
        session.cert = (str(settings.tls.cert_file), str(settings.tls.key_file))
    return session


def _verify(tls: TlsSettings) -> bool | str:
    if tls.insecure_skip_verify:
        return False
    return str(tls.ca_file) if tls.ca_file else True


def _annotation(item: Mapping[str, Any]) -> Annotation:
    return Annotation(id=int(item.get("id") or 0), dashboard_uid=str(item.get("dashboardUID") or ""))


def _milliseconds(seconds: float) -> int:
    return max(_FIRST_MOMENT, round(seconds * 1000))
