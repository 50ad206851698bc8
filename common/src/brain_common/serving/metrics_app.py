"""The HTTP face of whatever is scraped: landing page, ``/metrics``, health, and paths of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from html import escape
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:42rem;padding:0 1rem;color:#1f2733}}
.up{{color:#1a7f37}}.down{{color:#b42318}}</style></head>
<body><h1>{title}</h1><p class="{css}">{state}</p>{reasons}
<ul><li><a href="metrics">Metrics</a></li><li><a href="-/healthy">Health</a></li>
<li><a href="-/ready">Readiness</a></li></ul></body></html>"""


class Health(Protocol):
    """How those do that the process needs: sources of an exporter, the next hop of the processor."""

    @property
    def up(self) -> bool:
        """Whether all answered last time."""
        ...

    @property
    def answered(self) -> bool:
        """Whether all have answered once."""
        ...

    def reasons(self) -> Mapping[str, str]:
        """Why each that does not answer is so."""
        ...


def metrics_app(
    title: str, health: Health, scrape: Callable[[str], tuple[list[bytes], str]], routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """The application.

    ``/-/healthy`` says that the process answers; ``/-/ready`` that all it needs has answered once. What is away later
    is for its metric to say: the process is still worth a scrape, and leaving a balancer would mend nothing.

    Args:
        title: One line for the landing page.
        health: For the landing page and readiness.
        scrape: Makes the parts of a scrape and its content type of what the scraper accepts; called in a thread.
        routes: Besides; each does its own authentication.
    """
    busy = asyncio.Lock()  # a scrape takes a core: several at once would only make all of them late

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        async with busy:
            parts, content_type = await asyncio.to_thread(scrape, accept)
        return StreamingResponse(_each(parts), headers={"Content-Type": content_type})

    async def landing(_: Request) -> Response:
        reasons = "".join(f"<p>{escape(name)}: {escape(why)}</p>" for name, why in health.reasons().items())
        css, state = ("up", "up") if health.up else ("down", "down: what it needs does not answer")
        return HTMLResponse(
            _PAGE.format(title=escape(title), css=css, state=state, reasons=reasons),
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            },
        )

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> Response:
        if health.answered:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: what it needs has not answered yet\n", status_code=503)

    return Starlette(
        routes=[
            Route("/", landing),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            *routes,
        ]
    )


async def _each(parts: list[bytes]) -> AsyncIterator[bytes]:
    """One by one, each let go of once it is sent."""
    parts.reverse()
    while parts:
        yield parts.pop()
