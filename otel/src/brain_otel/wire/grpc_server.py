"""OTLP/gRPC: bytes are taken as they come, since decoding is the pipeline's."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import grpc
import grpc.aio

from brain_common.errors import ConfigError, InputError, PermanentError, TemporaryError
from brain_otel.config import OtlpSettings
from brain_otel.pipeline import Pipeline
from brain_otel.signals import WIRES, Signal

_GRACE: Final = 5.0  # seconds running calls get at the end


@contextlib.asynccontextmanager
async def serving_grpc(pipeline: Pipeline, settings: OtlpSettings) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port.

    Raises:
        ConfigError: The address cannot be bound.
    """
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", settings.max_request_bytes), ("grpc.so_reuseport", 0)]
    )
    for signal, wire in WIRES.items():
        handler = grpc.unary_unary_rpc_method_handler(_export(pipeline, signal))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.service, {"Export": handler}),))
    address = f"{settings.grpc.host}:{settings.grpc.port}"
    try:
        port = int(server.add_insecure_port(address))
    except RuntimeError as error:
        raise ConfigError(f"otlp.grpc.port: cannot listen on {address}: {error}") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(_GRACE)


def _export(pipeline: Pipeline, signal: Signal) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def export(body: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc has no types
        try:
            return await pipeline.export(signal, body, _host(context.peer()))
        except InputError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except TemporaryError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        except PermanentError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        raise AssertionError("abort raises")

    return export


def _host(peer: str) -> str:
    """``ipv4:10.0.0.1:4711`` or ``ipv6:%5B::1%5D:4711`` without kind and port."""
    kind, _, address = peer.partition(":")
    return unquote(address).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""
