"""The page on which people say whether a cause was it: a plain form, without script.

It is a page of its own because that of the incident refreshes itself, which would take away what is being typed.
Anybody who can see incidents can see the form; to send it, the browser asks for a user name and password of
``callers``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain_common.errors import InputError
from brain_common.serving.auth import Authenticator
from brain_common.serving.body import BodyIncomplete, BodyTooLarge, read_body
from brain_common.serving.config import CallerSettings
from brain_rca.feedback.desk import FeedbackDesk, NoSuchFeedbackError, NoSuchIncidentError, UnknownEntityError
from brain_rca.model import FeedbackKind
from brain_rca.page.forgery import FormSeal
from brain_rca.page.view import Draft

BODY_LIMIT: Final = 16 * 1024  # bytes: an entity and a few sentences, percent-encoded
_FIELDS: Final = 8
_NOBODY: Final = (
    "This service has no callers with a user name and password in its configuration, so nobody could say who gave it."
)


class Refused(Exception):  # noqa: N818 - becomes the answer
    """Why a form was not taken; with ``draft`` where what it says is wrong, so that it can be mended."""

    def __init__(self, status: int, heading: str, text: str, draft: Draft | None = None) -> None:
        super().__init__(heading)
        self.status = status
        self.heading = heading
        self.text = text
        self.draft = draft


class FeedbackForms:
    """Gives out forms, and takes them in.

    Args:
        desk: Where feedback goes.
        callers: Who may give it.
        own_host: See ``FormSeal``.
    """

    def __init__(self, desk: FeedbackDesk, callers: Sequence[CallerSettings], own_host: str = "") -> None:
        self._desk = desk
        self._authenticator = Authenticator(callers)
        self.seal = FormSeal(callers, own_host)
        self.why_not = "" if any(caller.username is not None for caller in callers) else _NOBODY
        """Why there is no form; empty when there is one."""

    async def take(self, request: Request, incident_id: str) -> None:
        """Keep what the form says.

        Raises:
            Refused: It is not from a page of ours, not from a known caller, or malformed.
            TemporaryError: The store is away.
        """
        if self.why_not:
            raise Refused(HTTPStatus.FORBIDDEN, "Feedback is not taken here", self.why_not)
        fields = await _fields(request)
        if not self.seal.is_ours(request, fields.get("token", ""), incident_id):
            text = "It did not come from a page that this service gave to this browser. Open the form again."
            raise Refused(HTTPStatus.FORBIDDEN, "The form was not taken", text)
        await self._keep(incident_id, fields, await self._actor(request))

    async def _actor(self, request: Request) -> str:
        headers = request.headers.getlist("authorization")
        name = await run_in_threadpool(self._authenticator.identify, headers)
        if name is None:
            text = "Feedback is kept under a name: use a user name and password of the service's callers."
            raise Refused(HTTPStatus.UNAUTHORIZED, "Who are you?", text)
        return name

    async def _keep(self, incident_id: str, fields: Mapping[str, str], actor: str) -> None:
        try:
            entity = _entity(fields)
            if fields.get("say") == "withdraw":
                await self._desk.withdraw(incident_id, entity, actor)
            else:
                kind = _kind(fields.get("say", ""))
                fault, fix, unseen = fields.get("fault", ""), fields.get("fix", ""), fields.get("unseen") == "yes"
                await self._desk.say(incident_id, kind, entity, actor, fault, fix, unseen=unseen)
        except NoSuchFeedbackError:
            return  # taken back already: what was wanted
        except NoSuchIncidentError as error:
            raise Refused(HTTPStatus.NOT_FOUND, "No such incident", "It is gone, or never was.") from error
        except UnknownEntityError as error:
            text = f"{error.problem}. If it is right nevertheless, send the form again with “It is unseen” ticked."
            raise _to_mend(fields, text) from error
        except InputError as error:
            raise _to_mend(fields, f"{error}.") from error


def _to_mend(fields: Mapping[str, str], text: str) -> Refused:
    draft = Draft(
        entity=fields.get("entity", ""),
        other=fields.get("other", "").strip(),
        unseen=fields.get("unseen") == "yes",
        fault=fields.get("fault", ""),
        fix=fields.get("fix", ""),
        wrong=text,
    )
    return Refused(HTTPStatus.BAD_REQUEST, "The form cannot be taken", text, draft)


def challenge(response: Response) -> None:
    """Make the browser ask for a user name and password, and send the form again with them."""
    response.headers["WWW-Authenticate"] = 'Basic realm="brain", charset="UTF-8"'


def _entity(fields: Mapping[str, str]) -> str:
    """The one that was chosen, or else written; without script, a browser sends both where both are there."""
    chosen, written = fields.get("entity", ""), fields.get("other", "").strip()
    if chosen and written and chosen != written:
        raise InputError(f"two entities are named: {chosen!r} was chosen, and {written!r} was written; say only one")
    if not chosen and not written:
        raise InputError("no entity is named: choose one, or write another")
    return chosen or written


def _kind(text: str) -> FeedbackKind:
    try:
        return FeedbackKind(text)
    except ValueError as error:
        raise InputError("what is said is neither confirmed nor rejected") from error


async def _fields(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "That is no form", "Send the form of this page.")
    try:
        body = await read_body(request, BODY_LIMIT)
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except BodyTooLarge as error:
        text = "Less than a page of text will do."
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too long", text) from error
    except (BodyIncomplete, ValueError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "The form cannot be read", "Open it again.") from error
