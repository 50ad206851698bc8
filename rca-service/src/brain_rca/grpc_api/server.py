"""The gRPC listener: our service, reflection and health, with TLS or mTLS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from brain_api.rca.v1 import rca_pb2, rca_pb2_grpc
from brain_common.errors import ConfigError
from brain_common.serving.config import ListenSettings, TlsSettings
from brain_rca.grpc_api.servicer import RcaServicer

SERVICE = rca_pb2.DESCRIPTOR.services_by_name["RcaService"].full_name
_LARGEST_MESSAGE = 8 << 20  # bytes, as the webhook
_GRACE = 5.0  # seconds running calls get at the end


@contextlib.asynccontextmanager
async def serving_grpc(servicer: RcaServicer, settings: ListenSettings) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port.

    Raises:
        ConfigError: The address cannot be bound, or the TLS files cannot be read.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),  # a second process on the port is a mistake to be told of
        ]
    )
    rca_pb2_grpc.add_RcaServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    checker = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = _bind(server, settings)
    await server.start()
    for name in ("", SERVICE):
        await checker.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield port
    finally:
        await checker.enter_graceful_shutdown()
        await server.stop(_GRACE)


def _bind(server: grpc.aio.Server, settings: ListenSettings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if settings.tls is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, _credentials(settings.tls)))
    except RuntimeError as error:
        raise ConfigError(f"cannot listen on {address} for gRPC: {error}") from error


def _credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    try:
        pair = (tls.key_file.read_bytes(), tls.cert_file.read_bytes())
        authority = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    except OSError as error:
        raise ConfigError(f"TLS file {error.filename} cannot be read: {error.strerror}") from error
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
