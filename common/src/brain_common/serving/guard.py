"""Basic auth and headers of the web configuration file, in front of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings
from brain_common.serving.web_config import LiveWebConfig

_OPEN: Final = frozenset({"/-/healthy", "/-/ready"})  # a kubelet has no password; they tell nothing
_NAME: Final = "scraper"


class Guard:
    """Lets those pass who know a password.

    Args:
        app: What is guarded.
        live: Who may pass, as the file says now.
        own: Paths that check their callers themselves.
    """

    def __init__(self, app: ASGIApp, live: LiveWebConfig, own: frozenset[str]) -> None:
        self._app = app
        self._live = live
        self._free = _OPEN | own
        self._users: Mapping[str, Any] = {}
        self._authenticator = Authenticator(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        config = self._live.config
        send = _adding(send, config.http_server_config.headers)
        if scope["path"] in self._free or await self._known(config.basic_auth_users, Headers(scope=scope)):
            return await self._app(scope, receive, send)
        refusal = PlainTextResponse("Unauthorized\n", 401, {"WWW-Authenticate": 'Basic realm="metrics"'})
        return await refusal(scope, receive, send)

    async def _known(self, users: Mapping[str, Any], headers: Headers) -> bool:
        if not users:
            return True
        if users != self._users:
            self._users = users
            self._authenticator = Authenticator(
                [CallerSettings(name=_NAME, username=user, password_bcrypt=secret) for user, secret in users.items()]
            )
        shown = [value for value in headers.getlist("authorization") if value[:6].lower() == "basic "]
        return await asyncio.to_thread(self._authenticator.identify, shown) is not None


def _adding(send: Send, headers: Mapping[str, str]) -> Send:
    if not headers:
        return send

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(raw=message["headers"]).update(headers)
        await send(message)

    return adding
