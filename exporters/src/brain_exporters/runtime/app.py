"""The HTTP face of an exporter: landing page, ``/metrics``, health, and the exporter's own paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from html import escape

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from brain_exporters.runtime.exposition import encode
from brain_exporters.runtime.health import Health
from brain_exporters.runtime.ledger import Ledger

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:42rem;padding:0 1rem;color:#1f2733}}
.up{{color:#1a7f37}}.down{{color:#b42318}}</style></head>
<body><h1>{title}</h1><p class="{css}">{state}</p>{reasons}
<ul><li><a href="metrics">Metrics</a></li><li><a href="-/healthy">Health</a></li>
<li><a href="-/ready">Readiness</a></li></ul></body></html>"""


def build_app(
    title: str, health: Health, registry: CollectorRegistry, ledger: Ledger, routes: Sequence[BaseRoute]
) -> Starlette:
    """The application of one exporter.

    ``/-/healthy`` says that the process answers; ``/-/ready`` that every source has answered once. A source that is
    away later is for ``<x>_up`` to say: the last values are still worth a scrape.
    """
    busy = asyncio.Lock()  # a scrape takes a core: several at once would only make all of them late

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        async with busy:
            parts, content_type = await asyncio.to_thread(lambda: encode(accept, registry, ledger.counters()))
        return StreamingResponse(_each(parts), headers={"Content-Type": content_type})

    async def landing(_: Request) -> Response:
        reasons = "".join(f"<p>{escape(name)}: {escape(why)}</p>" for name, why in health.reasons().items())
        css, state = ("up", "up") if health.up else ("down", "down: a source does not answer")
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
        return PlainTextResponse("not ready: a source has not answered yet\n", status_code=503)

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
