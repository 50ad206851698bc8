"""The HTTP face: webhook, incident pages, ``/metrics``, health."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from brain_common.errors import TemporaryError
from brain_rca.page.headers import SecurityHeaders
from brain_rca.store.protocol import Store


def build_app(routes: Sequence[BaseRoute], store: Store, registry: CollectorRegistry) -> Starlette:
    """The application of one replica."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(
            await run_in_threadpool(encode, registry), media_type=None, headers={"Content-Type": content_type}
        )

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> Response:
        try:
            await store.ping()
        except TemporaryError:
            return PlainTextResponse("the store does not answer\n", status_code=503)
        return PlainTextResponse("ready\n")

    return Starlette(
        routes=[
            *routes,
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )
