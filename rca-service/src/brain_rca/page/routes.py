"""The HTTP face of the incidents: HTML for people, JSON for programs, from the same addresses.

Mounted by the service's application, behind whatever authentication that has. Reads the store; only the form for
feedback changes something, and asks who sends it. Answers never contain what was asked for, only what the store holds.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import msgspec
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from brain_common.clock import Clock, SystemClock
from brain_common.errors import TemporaryError
from brain_rca.model import Incident
from brain_rca.page.feedback import FeedbackForms, Refused, challenge
from brain_rca.page.headers import security_headers
from brain_rca.page.negotiate import wants_json
from brain_rca.page.render import TITLE, render_feedback, render_incident, render_list, render_message
from brain_rca.page.summary import IncidentPage, summarize
from brain_rca.page.view import Draft
from brain_rca.store.protocol import Store

PAGE_SIZE = 25
MAX_PAGE_SIZE = 100
TRIES = 12  # of a page that waits for its incident, ...
TRY_SECONDS = 5  # ... so for a minute
_ID = re.compile(r"[0-9a-f]{16}")
_FINGERPRINT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CURSOR = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?),([0-9a-f]{16})")
_NUMBER = re.compile(r"[0-9]{1,4}")

Handler = Callable[[Request], Awaitable[Response]]


def page_routes(
    store: Store,
    title: str = TITLE,
    *,
    clock: Clock | None = None,
    frame_ancestors: Sequence[str] = (),
    forms: FeedbackForms | None = None,
) -> list[Route]:
    """Routes ``/``, ``/incidents[.json]``, ``/incidents/<id>[.json]``, ``/incidents/by-fingerprint/<it>``, and with
    ``forms`` ``/incidents/<id>/feedback``.

    Args:
        store: Where the incidents are; opened and closed by the caller.
        title: Name of the installation, shown on every page.
        clock: For the ages; the system's by default.
        frame_ancestors: Origins that may show the pages in a frame; nobody by default.
        forms: Where feedback goes; None leaves it out.

    Raises:
        ConfigError: ``frame_ancestors`` holds something that is not an origin.
    """
    pages = _Pages(store, title, clock or SystemClock(), security_headers(frame_ancestors), forms)
    feedback = (
        [] if forms is None else [Route("/incidents/{incident}/feedback", pages.form(forms), methods=["GET", "POST"])]
    )
    return [
        *feedback,
        Route("/", pages.home),
        Route("/incidents", pages.guarded(pages.listing, "")),
        Route("/incidents.json", pages.guarded(pages.listing, "")),
        Route("/incidents/by-fingerprint/{fingerprint}", pages.guarded(pages.by_fingerprint, "../../")),
        Route("/incidents/{incident}", pages.guarded(pages.incident, "../")),
    ]


class _Pages:
    """The handlers; ``root`` is the relative path from a page to the folder that holds ``incidents``."""

    def __init__(
        self, store: Store, title: str, clock: Clock, headers: dict[str, str], forms: FeedbackForms | None
    ) -> None:
        self._store = store
        self._title = title
        self._clock = clock
        self._headers = headers | {"Vary": "Accept"}
        self._feedback = "" if forms is None else forms.why_not or "offered"

    def guarded(self, handler: Handler, root: str) -> Handler:
        """``handler``, saying so when the store cannot be reached."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except TemporaryError:
                heading, text = (
                    "The store cannot be reached",
                    "Incidents are safe there. This page tries again.",
                )
                response = self._message(request, 503, heading, text, root, refresh=TRY_SECONDS)
                response.headers["Retry-After"] = str(TRY_SECONDS)
                return response

        return answer

    async def home(self, request: Request) -> Response:
        return self._redirect("incidents")

    async def listing(self, request: Request) -> Response:
        """``?open=1``, ``?before=<next of the page before>``, ``?limit=<1..100>``."""
        limit = _number(request, "limit") if "limit" in request.query_params else PAGE_SIZE
        if not 1 <= limit <= MAX_PAGE_SIZE:
            return self._malformed(request, f"limit is a whole number from 1 to {MAX_PAGE_SIZE}.")
        cursor = _CURSOR.fullmatch(request.query_params.get("before", ""))
        if cursor is None and "before" in request.query_params:
            return self._malformed(request, "before is what the page before it gave as next.")
        before = (float(cursor[1]), cursor[2]) if cursor else None
        only_open = request.query_params.get("open") == "1"
        found = await self._store.list(limit=limit + 1, before=before, only_open=only_open)
        more = f"{found[limit - 1].received_at!r},{found[limit - 1].id}" if len(found) > limit else None
        page = IncidentPage(incidents=tuple(summarize(incident) for incident in found[:limit]), next=more)
        if wants_json(request):
            return self._json(page)
        text = render_list(page, self._clock.now(), title=self._title, only_open=only_open, first=before is None)
        return self._html(text)

    async def incident(self, request: Request) -> Response:
        """``?refresh=off`` keeps the page still."""
        incident_id = request.path_params["incident"].removesuffix(".json")
        incident = await self._store.get(incident_id) if _ID.fullmatch(incident_id) else None
        if incident is None:
            text = "It never existed, or it is older than the time incidents are kept."
            return self._message(request, 404, "No such incident", text, "../")
        if wants_json(request):
            return self._json(incident)
        now, refresh = self._clock.now(), request.query_params.get("refresh") != "off"
        page = await run_sync(
            lambda: render_incident(incident, now, title=self._title, refresh=refresh, feedback=self._feedback)
        )  # a thread, so that a large page holds up no webhook
        return self._html(page)

    def form(self, forms: FeedbackForms) -> Handler:
        """The form about one incident, and what it sends."""

        async def answer(request: Request) -> Response:
            incident_id = request.path_params["incident"]
            incident = await self._store.get(incident_id) if _ID.fullmatch(incident_id) else None
            if incident is None:
                text = "It never existed, or it is older than the time incidents are kept."
                return self._message(request, 404, "No such incident", text, "../../")
            if request.method == "POST":
                return await self._taken(request, forms, incident)
            return self._form(request, forms, incident)

        return self.guarded(answer, "../../")

    def _form(
        self, request: Request, forms: FeedbackForms, incident: Incident, refused: Draft | None = None
    ) -> Response:
        nonce = forms.seal.nonce(request)
        page = render_feedback(
            incident,
            self._clock.now(),
            token=forms.seal.token(nonce, incident.id),
            why_not=forms.why_not,
            title=self._title,
            refused=refused,
        )
        response = self._html(page, HTTPStatus.OK if refused is None else HTTPStatus.BAD_REQUEST)
        response.headers.update(security_headers(forms=True))
        forms.seal.give(response, request, nonce)
        return response

    async def _taken(self, request: Request, forms: FeedbackForms, incident: Incident) -> Response:
        try:
            await forms.take(request, incident.id)
        except Refused as refused:
            if refused.draft is not None and not wants_json(request):
                return self._form(request, forms, incident, refused.draft)
            response = self._message(request, refused.status, refused.heading, refused.text, "../../", back="feedback")
            if refused.status == HTTPStatus.UNAUTHORIZED:
                challenge(response)
            return response
        target = {"Location": f"../{incident.id}"}
        return Response(status_code=HTTPStatus.SEE_OTHER, headers=self._headers | target)

    async def by_fingerprint(self, request: Request) -> Response:
        """To the newest incident of an alert; waits a minute for it, as a notification may arrive first."""
        fingerprint = request.path_params["fingerprint"]
        valid = _FINGERPRINT.fullmatch(fingerprint) is not None
        incident = await self._store.by_fingerprint(fingerprint) if valid else None
        if incident is not None:
            return self._redirect(f"../{incident.id}")
        tried = _number(request, "try") or 1
        if valid and tried < TRIES:
            text = "Its notification may not have arrived. This page looks again, for a minute."
            again = f"?try={tried + 1}"
            heading = "No incident for this alert yet"
            return self._message(request, 404, heading, text, "../../", refresh=TRY_SECONDS, refresh_to=again)
        text = "No notification about this alert has arrived. Is the route to this service set to continue?"
        return self._message(request, 404, "No incident for this alert", text, "../../")

    def _malformed(self, request: Request, text: str) -> Response:
        return self._message(request, HTTPStatus.BAD_REQUEST, "The address is not right", text, "")

    def _message(
        self,
        request: Request,
        status: int,
        heading: str,
        text: str,
        root: str,
        *,
        refresh: int = 0,
        refresh_to: str = "",
        back: str = "",
    ) -> Response:
        if wants_json(request):
            return self._json({"error": heading, "detail": text}, status)
        page = render_message(
            heading, text, root=root, title=self._title, refresh=refresh, refresh_to=refresh_to, back=back
        )
        return self._html(page, status)

    def _html(self, page: str, status: int = HTTPStatus.OK) -> Response:
        return Response(page, status, headers=self._headers, media_type="text/html")

    def _json(self, content: object, status: int = HTTPStatus.OK) -> Response:
        body = msgspec.json.encode(content)
        return Response(body, status, headers=self._headers, media_type="application/json")

    def _redirect(self, relative: str) -> Response:
        return Response(status_code=HTTPStatus.FOUND, headers=self._headers | {"Location": relative})


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0
