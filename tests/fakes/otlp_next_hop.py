"""A next hop that takes OTLP over gRPC and HTTP, keeps what it accepts, and answers as a test wants it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from brain_common.serving.config import ListenSettings
from brain_common.serving.http import serving
from brain_otel.signals import WIRES, Signal

Answer = Callable[[Signal, bytes], bytes]


class OtlpNextHop:
    """What it got, and what it says."""

    def __init__(self) -> None:
        self.got: list[tuple[Signal, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status: Any = None  # grpc.Status to end calls with
        self.http: tuple[int, dict[str, str], bytes] | None = None
        self.answer = b""
        self.open = asyncio.Event()  # nothing is answered before
        self.open.set()
        self.asked = asyncio.Event()
        self.grpc_port = 0
        self.http_port = 0

    async def _export(self, signal: Signal, body: bytes, context: Any) -> bytes:
        self.asked.set()
        await self.open.wait()
        self.headers.append({str(key): str(value) for key, value in context.invocation_metadata()})
        if self.status is not None:
            await context.abort_with_status(self.status)
        self.got.append((signal, WIRES[signal].request.FromString(body)))
        return self.answer

    def _grpc(self, signal: Signal) -> Any:
        async def export(body: bytes, context: Any) -> bytes:
            return await self._export(signal, body, context)

        return grpc.unary_unary_rpc_method_handler(export)

    def _http(self, signal: Signal) -> Any:
        async def export(request: Request) -> Response:
            await self.open.wait()
            self.headers.append(dict(request.headers))
            body = await request.body()
            if request.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            if self.http is not None:
                status, headers, answer = self.http
                return Response(answer, status, headers)
            self.got.append((signal, WIRES[signal].request.FromString(body)))
            return Response(self.answer, media_type="application/x-protobuf")

        return Route(WIRES[signal].path, export, methods=["POST"])


@contextlib.asynccontextmanager
async def otlp_next_hop(credentials: Any = None, port: int = 0) -> AsyncIterator[OtlpNextHop]:
    """One that runs while the block does; gRPC with TLS when there are credentials."""
    hop = OtlpNextHop()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    for signal, wire in WIRES.items():
        handlers = grpc.method_handlers_generic_handler(wire.service, {"Export": hop._grpc(signal)})
        server.add_generic_rpc_handlers((handlers,))
    address = f"127.0.0.1:{port}"
    secure = credentials is not None
    hop.grpc_port = server.add_secure_port(address, credentials) if secure else server.add_insecure_port(address)
    await server.start()
    app = Starlette(routes=[hop._http(signal) for signal in WIRES])
    async with serving(app, ListenSettings(port=0)) as hop.http_port:
        try:
            yield hop
        finally:
            hop.open.set()
            await server.stop(None)
