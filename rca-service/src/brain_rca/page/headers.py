"""What every answer tells the browser: load nothing, run nothing, be framed by nobody."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brain_common.errors import ConfigError

STYLE = files("brain_rca.page").joinpath("templates", "page.css").read_text(encoding="utf-8")
_ORIGIN = re.compile(r"'self'|https?://[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


def security_headers(frame_ancestors: Sequence[str] = (), *, forms: bool = False) -> dict[str, str]:
    """Headers for HTML and JSON alike.

    Args:
        frame_ancestors: Origins that may show the page in a frame, such as a Grafana; nobody by default.
        forms: The page has a form that it sends to its own origin. The origin is then told to it and to nobody else:
            without a referrer browsers send ``Origin: null``.

    Raises:
        ConfigError: One of them is not an origin.
    """
    for origin in frame_ancestors:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(f"frame_ancestors: {origin!r} is not an origin such as https://grafana.example.org")
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'self'" if forms else "form-action 'none'",
        "frame-ancestors " + (" ".join(frame_ancestors) or "'none'"),
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin" if forms else "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


class SecurityHeaders:
    """Middleware that adds them where an answer has none of its own: also unknown addresses are opened by browsers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = security_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)
