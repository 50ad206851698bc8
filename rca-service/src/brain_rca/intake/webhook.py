"""``POST /api/v1/alertmanager``: durable first, then 200, then the work.

Alertmanager retries only on 5xx and on transport errors; after a 4xx the notification is gone. So whatever is our own
trouble (store away, too much at once) is 503 with ``Retry-After``, and 4xx is for what no retry can mend.
"""

from __future__ import annotations

import logging
import math

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from brain_common.clock import Clock
from brain_common.errors import BrainError, InputError
from brain_common.serving.auth import Authenticator
from brain_common.serving.body import BodyIncomplete, BodyTooLarge, read_body
from brain_rca.intake.payload import parse_group
from brain_rca.intake.timing import IntakeSettings, is_own, notification
from brain_rca.metrics import Metrics
from brain_rca.model import AlertGroup
from brain_rca.store.protocol import Outcome, Store
from brain_rca.wake import Wake

_log = logging.getLogger(__name__)
_UNKNOWN_EVERY_SECONDS = 60.0  # a line at most: whoever knocks on an open port must not fill the log
_RETRY_AFTER = "5"  # seconds; Alertmanager itself backs off exponentially


class Webhook:
    """The webhook's handler and its limits."""

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        settings: IntakeSettings,
        clock: Clock,
        metrics: Metrics,
        wake: Wake,
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._waiting = 0
        self._unknown = 0  # callers since the last line about them
        self._unknown_said_at = -math.inf

    def routes(self) -> list[Route]:
        """Where it listens; a path segment may name the Alertmanager cluster."""
        return [
            Route("/api/v1/alertmanager", self.receive, methods=["POST"]),
            Route("/api/v1/alertmanager/{source:str}", self.receive, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """Answer one notification."""
        caller = await self._identify(request)
        if caller is None:
            return self._unauthorized()
        source = request.path_params.get("source") or caller
        try:
            body = await read_body(request, self._settings.body_limit_bytes)
            group = parse_group(body, source[:64])
        except BodyTooLarge:
            return self._refused(413, f"body is larger than {self._settings.body_limit_bytes} bytes")
        except BodyIncomplete as error:
            return self._busy(str(error))
        except InputError as error:
            return self._refused(400, str(error))
        if is_own(group):
            self._metrics.received(Outcome.IGNORED)
            return JSONResponse({"outcome": Outcome.IGNORED, "incident": ""})
        return await self._keep(group)

    async def _identify(self, request: Request) -> str | None:
        headers = request.headers.getlist("authorization")
        if any(header[:6].lower() == "basic " for header in headers):  # bcrypt takes tens of milliseconds
            return await run_in_threadpool(self._authenticator.identify, headers)
        return self._authenticator.identify(headers)

    async def _keep(self, group: AlertGroup) -> Response:
        """Make it durable. Only this counts as waiting: a client that dawdles over its body holds up nobody else."""
        if self._waiting >= self._settings.most_waiting:
            return self._busy("too many notifications at once")
        self._waiting += 1
        try:
            accepted = await self._store.accept(notification(group, self._settings, self._clock))
        except InputError as error:
            return self._refused(400, str(error))
        except BrainError as error:
            return self._busy(str(error))
        finally:
            self._waiting -= 1
        self._metrics.received(accepted.outcome)
        self._wake.analyses.set()
        return JSONResponse({"outcome": accepted.outcome, "incident": accepted.incident_id})

    def _unauthorized(self) -> Response:
        self._metrics.received("unauthorized")
        self._unknown += 1
        now = self._clock.now()
        if now - self._unknown_said_at >= _UNKNOWN_EVERY_SECONDS:
            _log.warning("refused %d notifications: missing or unknown credentials", self._unknown)
            self._unknown, self._unknown_said_at = 0, now
        return _problem(401, "unknown caller", {"WWW-Authenticate": 'Bearer realm="brain"'})

    def _refused(self, status: int, reason: str) -> Response:
        self._metrics.received("refused")
        _log.warning("refused a notification: %s", reason)
        return _problem(status, reason)

    def _busy(self, reason: str) -> Response:
        self._metrics.received("busy")
        _log.warning("cannot accept a notification now: %s", reason)
        return _problem(503, "cannot accept now, try again", {"Retry-After": _RETRY_AFTER})


def _problem(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": reason}, status_code=status, headers=headers)
