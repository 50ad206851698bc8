"""The gRPC listener: our service, reflection and health, with TLS or mTLS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from brain_api.rca.v1 import rca_pb2, rca_pb2_grpc
from brain_common.errors import ConfigError
from brain_common.serving.config import ListenSettings, TlsSettings
from brain_common.serving.tls import check_tls
from brain_rca.grpc_api.malformed import RefuseMalformed
from brain_rca.grpc_api.servicer import RcaServicer

SERVICE = rca_pb2.DESCRIPTOR.services_by_name["RcaService"].full_name
_LARGEST_MESSAGE = 8 << 20  # bytes, as the webhook
_GRACE = 5.0  # seconds running calls get at the end
_HEALTH_SECONDS = 2.0  # between two looks at the store


@contextlib.asynccontextmanager
async def serving_grpc(servicer: RcaServicer, settings: ListenSettings) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port.

    Raises:
        ConfigError: The address cannot be bound, or the TLS files cannot be used.
    """
    server = grpc.aio.server(
        interceptors=[RefuseMalformed()],
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),  # a second process on the port is a mistake to be told of
        ],
    )
    rca_pb2_grpc.add_RcaServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    checker = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = _bind(server, settings)
    await checker.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    reporting = asyncio.create_task(_report(checker, servicer), name="grpc-health")
    try:
        yield port
    finally:
        reporting.cancel()
        await checker.enter_graceful_shutdown()
        await server.stop(_GRACE)


async def _report(checker: health.aio.HealthServicer, servicer: RcaServicer) -> None:
    """Health of ``""`` is that of the process, which a store that is away does not end; of the service, that it can
    answer.
    """
    while True:
        serving = await servicer.is_ready()
        states = health_pb2.HealthCheckResponse
        await checker.set(SERVICE, states.SERVING if serving else states.NOT_SERVING)
        await asyncio.sleep(_HEALTH_SECONDS)


def _bind(server: grpc.aio.Server, settings: ListenSettings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if settings.tls is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, _credentials(settings.tls)))
    except RuntimeError as error:
        raise ConfigError(f"grpc.port: cannot listen on {address} for gRPC: {error}") from error


def _credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    check_tls(tls, "grpc.tls")
    pair = (tls.key_file.read_bytes(), tls.cert_file.read_bytes())
    authority = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
