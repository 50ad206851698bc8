"""The tools over streamable HTTP, on this machine only, for callers that show a bearer token.

Browsers are kept out by the SDK, which answers only requests for a name of this machine (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from brain_common.serving.auth import Authenticator
from brain_common.serving.config import ListenSettings
from brain_common.serving.http import serving

PATH: Final = "/mcp"
_LARGEST_REQUEST: Final = 64 * 1024  # bytes: a question has an id and a number


class WithBearer:
    """Lets nobody through who shows no known credential."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not await self._knows(scope):
            refusal = PlainTextResponse("unknown caller", 401, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _knows(self, scope: Scope) -> bool:
        shown = Headers(scope=scope).getlist("authorization")
        return await asyncio.to_thread(self._authenticator.identify, shown) is not None


@contextlib.asynccontextmanager
async def serving_tools(server: MCPServer[Any], authenticator: Authenticator, port: int) -> AsyncIterator[int]:
    """Answer while the block runs; yields the port. Stateless, so that a client may come back to another process.

    Raises:
        ConfigError: The port cannot be had.
    """
    app = server.streamable_http_app(
        streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=_LARGEST_REQUEST
    )
    async with (
        server.session_manager.run(),
        serving(WithBearer(app, authenticator), ListenSettings(port=port), "http") as bound,
    ):
        yield bound
