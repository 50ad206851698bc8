"""OTLP/gRPC: bytes are taken as they come, since decoding is the pipeline's.

``Export`` is unary for senders. Here it is a stream of one message, which is the same on the wire: so a sender is
known, and has its turn, before its message is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from brain_common.errors import ConfigError
from brain_otel.config import GrpcSettings
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.grpc_tls import listener_credentials
from brain_otel.wire.receiver import Receiver
from brain_otel.wire.refusal import Refusal, TooLargeError

_GRACE: Final = 5.0  # seconds running calls get at the end
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a second process on the port is a mistake to be told of
    ("grpc.max_concurrent_streams", 256),  # of one connection; its client keeps the others back
    ("grpc.http2.bdp_probe", 0),  # what nobody reads yet stays at 64 KiB a call
    ("grpc.max_metadata_size", 16 * 1024),
    # Clients may ping every 10 s (Go's shortest) whether or not they call; who is gone is found within two minutes.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 90_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@contextlib.asynccontextmanager
async def serving_grpc(receiver: Receiver, settings: GrpcSettings) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port.

    Raises:
        ConfigError: The address cannot be bound, or the TLS files cannot be used.
    """
    server = grpc.aio.server(options=[*_OPTIONS, ("grpc.max_receive_message_length", receiver.limit)])
    checker = health.aio.HealthServicer()
    for signal, wire in WIRES.items():
        handler = grpc.stream_unary_rpc_method_handler(_export(receiver, signal))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.service, {"Export": handler}),))
        await checker.set(wire.service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    port = _bind(server, settings)
    await server.start()
    try:
        yield port
    finally:
        await checker.enter_graceful_shutdown()
        await server.stop(_GRACE)


def _bind(server: Any, settings: GrpcSettings) -> int:  # noqa: ANN401 - grpc has no types
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if settings.tls is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, listener_credentials(settings.tls, "otlp.grpc.tls")))
    except RuntimeError as error:
        raise ConfigError(f"otlp.grpc.port: cannot listen on {address} for OTLP/gRPC: {error}") from error


def _export(receiver: Receiver, signal: Signal) -> Callable[[Any, Any], Awaitable[bytes]]:
    async def export(_: Any, context: Any) -> bytes:  # noqa: ANN401 - grpc has no types
        async def accept() -> bytes:
            await receiver.identify(_authorization(context))
            peer = context.peer()
            async with receiver.turns.turn(peer) as reader:
                bodies = [await _read(context, receiver.limit)]
                reader.lease.shrink(len(bodies[0]))
            receiver.metrics.received(signal, "grpc", len(bodies[0]))
            # Popped, so that nobody holds the body while the answer is awaited.
            return await receiver.pipeline.export(signal, bodies.pop(), host_of(peer), reader.lease)

        answer = await receiver.answer(signal, "grpc", accept)
        if isinstance(answer, Refusal):
            await context.abort_with_status(rpc_status.to_status(answer.status))
            raise AssertionError("abort raises")
        return answer

    return export


async def _read(context: Any, limit: int) -> bytes:  # noqa: ANN401 - grpc has no types
    body = await context.read()
    if body is grpc.aio.EOF:  # of a message that is too long, gRPC has told the sender already; others send one
        raise TooLargeError(f"the message has more than {limit} bytes, otlp.max_request_bytes, or there is none")
    return bytes(body)


def _authorization(context: Any) -> list[str]:  # noqa: ANN401 - grpc has no types
    return [str(value) for key, value in context.invocation_metadata() or () if key == "authorization"]


def host_of(peer: str) -> str:
    """``ipv4:10.0.0.1:4711`` or ``ipv6:%5B::1%5D:4711`` without kind and port."""
    kind, _, address = peer.partition(":")
    return unquote(address).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""
