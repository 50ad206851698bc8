"""The paths that take deliveries: who sends is checked first, what is sent is durable before the answer says so.

An answer tells the sender what to do: 200 it is taken (or was before, or is of no interest), 400 and 413 sending it
again will not help, 401 the secret is wrong, 404 this source is off, 503 it shall be sent again. Whatever is this
exporter's own trouble is a 503.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from brain_common.clock import Clock
from brain_common.errors import InputError, TemporaryError
from brain_common.serving.body import BodyIncomplete, BodyTooLarge, read_body
from brain_exporters.changes.config import CHANGE_SOURCES, SECURITY_SOURCES
from brain_exporters.changes.credentials import Door
from brain_exporters.changes.payloads.decode import Parse
from brain_exporters.changes.recorder import ACCEPTED, DUPLICATE, Recorder

CHANGES_PATH: Final = "/api/v1/changes"
SECURITY_PATH: Final = "/api/v1/security"
_RETRY_SECONDS: Final = 10  # what a sender is asked to wait
_MARKS: Final = {
    "x-github-event": "github",
    "x-gitlab-event": "gitlab",
    "x-tfc-task-signature": "terraform",
    "x-tfe-notification-signature": "terraform",
}
_UNMARKED: Final = ("argocd", "generic")  # their senders have no header of their own

Outcome = str
OUTCOMES: Final[Sequence[Outcome]] = (
    ACCEPTED,
    DUPLICATE,
    "ignored",
    "unauthorized",
    "malformed",
    "too_large",
    "unavailable",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One that is on.

    Attributes:
        name: In metrics.
        door: Who may send.
        parse: What it means.
        after: Called with body and headers once it is durable.
    """

    name: str
    door: Door
    parse: Parse
    after: Callable[[bytes, Headers], None] | None = None


class Webhooks:
    """Args:
    sources: Those that are on, by the last part of their path.
    recorder: What makes deliveries durable.
    clock: For the time of receipt.
    limit: Bytes of the largest body.
    """

    def __init__(self, sources: Mapping[str, Source], recorder: Recorder, clock: Clock, limit: int) -> None:
        self._sources = sources
        self._recorder = recorder
        self._clock = clock
        self._limit = limit

    def routes(self) -> list[BaseRoute]:
        """One a source, those that are off too, and the one that tells sources by their headers."""
        paths = {f"{CHANGES_PATH}/{name}": name for name in CHANGE_SOURCES}
        paths |= {f"{SECURITY_PATH}/{name}": name for name in SECURITY_SOURCES}
        return [
            Route(CHANGES_PATH, self._by_headers, methods=["POST"]),
            *(Route(path, self._taking(name), methods=["POST"]) for path, name in paths.items()),
        ]

    def _taking(self, name: str) -> Callable[[Request], object]:
        async def take(request: Request) -> Response:
            return await self._take(name, request)

        return take

    async def _by_headers(self, request: Request) -> Response:
        marked = {source for header, source in _MARKS.items() if header in request.headers}
        names = marked or {name for name in _UNMARKED if name in self._sources}
        if len(names) != 1:
            return _answer(400, f"who sends this? post it to {CHANGES_PATH}/<source>, or with the source's own headers")
        return await self._take(names.pop(), request)

    async def _take(self, name: str, request: Request) -> Response:
        source = self._sources.get(name)
        if source is None:
            return _answer(404, f"{name} is off: it needs secret_files in the configuration")
        status, outcome, text = await self._outcome(source, request)
        if outcome not in (ACCEPTED, DUPLICATE):  # those are counted with what they brought
            self._recorder.count(source.name, outcome)
        return _answer(status, text or outcome)

    async def _outcome(self, source: Source, request: Request) -> tuple[int, Outcome, str]:
        if not source.door.shown(request.headers):
            return 401, "unauthorized", "the credential of this source is missing, or there are several"
        try:
            body = await read_body(request, self._limit) if source.door.reads_body else b""
            if not await source.door.admits(request.headers, body):
                return 401, "unauthorized", "the credential is wrong"
            if not source.door.reads_body:
                body = await read_body(request, self._limit)
            items = source.parse(body, request.headers, self._clock.now())
            outcome = await self._recorder.record(source.name, items) if items else "ignored"
        except BodyTooLarge:
            return 413, "too_large", f"the body is larger than {self._limit} bytes"
        except InputError as error:
            return 400, "malformed", str(error)
        except (TemporaryError, BodyIncomplete) as error:
            return 503, "unavailable", str(error)
        if source.after is not None:
            source.after(body, request.headers)
        return 200, outcome, ""


def _answer(status: int, text: str) -> Response:
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"status" if status == 200 else "error": text}, status_code=status, headers=headers)
