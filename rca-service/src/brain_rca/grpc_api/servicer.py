"""``brain_api.rca.v1.RcaService`` over the store; every replica can answer every call."""

from __future__ import annotations

import asyncio
import base64
import binascii
import functools
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import msgspec

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.clock import Clock
from brain_common.errors import BrainError, InputError
from brain_common.serving.auth import Authenticator
from brain_rca.feedback.desk import FeedbackDesk, NoSuchFeedbackError, NoSuchIncidentError, UnknownEntityError
from brain_rca.grpc_api.convert import FieldError, group_from, incident_to
from brain_rca.grpc_api.errors import Refusal
from brain_rca.intake.timing import IntakeSettings, is_own, notification
from brain_rca.metrics import Metrics
from brain_rca.model import AnalysisState, FeedbackKind, Incident
from brain_rca.store.protocol import Store
from brain_rca.wake import POLL_SECONDS, Wake

_log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9a-f]{16}")
_PAGE_SIZE, _LARGEST_PAGE = 50, 200
_RETRY_SECONDS = 2.0
_WATCH_BATCH = 100
_READY_SECONDS = 5.0  # a store that takes longer to say anything is away
_DEFAULT_WAIT = 120.0  # seconds that Analyze waits for a client without deadline
_DEADLINE_MARGIN = 0.1  # seconds kept to send the answer before the client gives up

Request = TypeVar("Request")
Answer = TypeVar("Answer")


def _unary(
    method: Callable[[Any, Request, str, grpc.aio.ServicerContext], Awaitable[Answer]],
) -> Callable[[Any, Request, grpc.aio.ServicerContext], Awaitable[Answer]]:
    """Identify the caller, and turn what goes wrong into a typed status: never UNKNOWN."""

    @functools.wraps(method)
    async def guarded(self: RcaServicer, request: Request, context: grpc.aio.ServicerContext) -> Answer:
        try:
            return await method(self, request, await self.caller(context), context)
        except Exception as error:  # noqa: BLE001 - told apart below
            await _refusal(error).abort(context)

    return guarded


def _refusal(error: Exception) -> Refusal:
    """What a call is told; what only concerns those who run the service goes to its log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NoSuchIncidentError):
        return Refusal(grpc.StatusCode.NOT_FOUND, "INCIDENT_NOT_FOUND", str(error))
    if isinstance(error, NoSuchFeedbackError):
        return Refusal(grpc.StatusCode.NOT_FOUND, "FEEDBACK_NOT_FOUND", str(error))
    if isinstance(error, UnknownEntityError):
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENTITY", str(error), field="entity")
    if isinstance(error, InputError):
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", str(error))
    if isinstance(error, BrainError):
        _log.warning("cannot answer a call now: %s", error)
        message = "the store cannot be reached now, try again"
        return Refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", message, retry_seconds=_RETRY_SECONDS)
    _log.error("a call failed", exc_info=error)
    return Refusal(grpc.StatusCode.INTERNAL, "INTERNAL_ERROR", "a fault of the service, which is in its log")


class RcaServicer(rca_pb2_grpc.RcaServiceServicer):
    """The methods; see the proto file for what they promise."""

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        settings: IntakeSettings,
        clock: Clock,
        metrics: Metrics,
        wake: Wake,
        desk: FeedbackDesk,
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._desk = desk

    async def caller(self, context: grpc.aio.ServicerContext) -> str:
        """Name of the caller.

        Raises:
            Refusal: UNAUTHENTICATED.
        """
        metadata = context.invocation_metadata() or ()
        headers = [str(value) for key, value in metadata if key == "authorization"]
        name = await asyncio.to_thread(self._authenticator.identify, headers)
        if name is None:
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "UNKNOWN_CALLER", "unknown caller")
        return name

    async def is_ready(self) -> bool:
        """Whether the store answers, soon."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._store.ping()
        except (BrainError, TimeoutError):
            return False
        return True

    @_unary
    async def Analyze(self, request: pb.AlertGroup, caller: str, context: grpc.aio.ServicerContext) -> pb.Incident:  # noqa: N802
        try:
            group = group_from(request, caller)
        except FieldError as error:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_GROUP", str(error), field=error.field) from error
        if is_own(group):
            raise Refusal(
                grpc.StatusCode.INVALID_ARGUMENT,
                "OWN_ALERT",
                "this service does not judge its own alerts",
                field="alerts",
            )
        asked = notification(group, self._settings, self._clock)
        accepted = await self._store.accept(msgspec.structs.replace(asked, due_at=asked.received_at))
        self._metrics.received(accepted.outcome)
        if not accepted.incident_id:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "NO_OPEN_INCIDENT", "the group has no open incident")
        self._wake.analyses.set()
        return incident_to(await self._judged(accepted.incident_id, group.status, context))

    async def _judged(self, incident_id: str, status: str, context: grpc.aio.ServicerContext) -> Incident:
        """The incident once it has a judgement, within the client's deadline."""
        remaining = context.time_remaining()
        limit = _DEFAULT_WAIT if remaining is None or math.isinf(remaining) else remaining - _DEADLINE_MARGIN
        try:
            async with asyncio.timeout(max(limit, 0.0)):
                while True:
                    incident = await self._store.get(incident_id)
                    if incident and (status == "resolved" or incident.analysis_state is AnalysisState.DONE):
                        return incident
                    await self._wake.wait_changed(POLL_SECONDS)
        except TimeoutError as error:
            raise Refusal(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "ANALYSIS_UNFINISHED",
                f"incident {incident_id} is accepted, its judgement is not done yet",
                metadata={"incident_id": incident_id},
            ) from error

    @_unary
    async def GetIncident(  # noqa: N802
        self,
        request: pb.GetIncidentRequest,
        caller: str,
        context: grpc.aio.ServicerContext,
    ) -> pb.Incident:
        _check_id(request.id)
        incident = await self._store.get(request.id)
        if incident is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "INCIDENT_NOT_FOUND", f"no incident {request.id}")
        return incident_to(incident)

    @_unary
    async def ListIncidents(  # noqa: N802
        self,
        request: pb.ListIncidentsRequest,
        caller: str,
        context: grpc.aio.ServicerContext,
    ) -> pb.ListIncidentsResponse:
        size = request.page_size or _PAGE_SIZE
        if not 1 <= size <= _LARGEST_PAGE:
            raise Refusal(
                grpc.StatusCode.INVALID_ARGUMENT,
                "INVALID_PAGE_SIZE",
                f"page_size must be 1 to {_LARGEST_PAGE}",
                field="page_size",
            )
        before = _page_start(request.page_token)
        found = await self._store.list(limit=size + 1, before=before, only_open=request.only_open)
        page = found[:size]
        token = _page_token(page[-1]) if len(found) > size else ""
        return pb.ListIncidentsResponse(incidents=[incident_to(one) for one in page], next_page_token=token)

    @_unary
    async def ConfirmCause(  # noqa: N802
        self, request: pb.FeedbackRequest, caller: str, context: grpc.aio.ServicerContext
    ) -> pb.Incident:
        return await self._say(request, FeedbackKind.CONFIRMED, caller)

    @_unary
    async def RejectCause(  # noqa: N802
        self, request: pb.FeedbackRequest, caller: str, context: grpc.aio.ServicerContext
    ) -> pb.Incident:
        return await self._say(request, FeedbackKind.REJECTED, caller)

    @_unary
    async def WithdrawFeedback(  # noqa: N802
        self, request: pb.WithdrawFeedbackRequest, caller: str, context: grpc.aio.ServicerContext
    ) -> pb.Incident:
        self._check_named()
        _check_id(request.id)
        return incident_to(await self._desk.withdraw(request.id, request.entity, caller))

    async def _say(self, request: pb.FeedbackRequest, kind: FeedbackKind, caller: str) -> pb.Incident:
        self._check_named()
        _check_id(request.id)
        said = await self._desk.say(
            request.id, kind, request.entity, caller, request.fault_kind, request.fix, unseen=request.unseen
        )
        return incident_to(said)

    def _check_named(self) -> None:
        if not self._authenticator.required:
            message = "feedback needs a caller with a name: configure `callers`"
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "CREDENTIALS_REQUIRED", message)

    async def WatchIncidents(  # noqa: N802
        self, request: pb.WatchIncidentsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.Incident]:
        try:
            await self.caller(context)
            if request.id:
                _check_id(request.id)
            await context.send_initial_metadata(())  # or a client could not tell that it is heard before there is news
            async for incident in self._changes():
                if not request.id or incident.id == request.id:
                    yield incident_to(incident)
        except Exception as error:  # noqa: BLE001 - told apart there
            await _refusal(error).abort(context)

    async def _changes(self) -> AsyncIterator[Incident]:
        cursor = 0
        seen: dict[str, int] = {}  # a store may hand out a change twice rather than miss one
        while True:
            incidents, cursor = await self._store.changed_since(cursor, _WATCH_BATCH)
            for incident in incidents:
                if seen.get(incident.id, -1) < incident.revision:
                    seen[incident.id] = incident.revision
                    yield incident
            if len(incidents) < _WATCH_BATCH:
                await self._wake.wait_changed(POLL_SECONDS)


def _check_id(text: str) -> None:
    if not _ID.fullmatch(text):
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ID", "id must be 16 hex digits", field="id")


def _page_token(last: Incident) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((last.received_at, last.id))).decode()


def _page_start(token: str) -> tuple[float, str] | None:
    if not token:
        return None
    try:
        received_at, incident_id = msgspec.json.decode(base64.urlsafe_b64decode(token.encode()), type=tuple[float, str])
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError) as error:
        raise _bad_page_token() from error
    if not _ID.fullmatch(incident_id):
        raise _bad_page_token()
    return received_at, incident_id


def _bad_page_token() -> Refusal:
    message = "page_token is not one this service gave"
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", message, field="page_token")
