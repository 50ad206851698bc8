"""Open incidents, asked of the RCA service over gRPC.

A channel lives for one question: certificates and tokens may have been replaced by the next, and a handshake every
quarter of a minute costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

import grpc
import grpc.aio
from pydantic import Field, HttpUrl, model_validator

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.errors import PermanentError, TemporaryError
from brain_common.settings import Settings
from brain_otel.client_tls import client_context
from brain_otel.config import ClientTlsSettings

MOST_INCIDENTS: Final = 1000  # the newest; the service itself judges no faster
_PAGE: Final = 50
_LARGEST_MESSAGE: Final = 16 << 20  # bytes: the service takes in groups of 8 MiB at most, so one incident always fits
_TEMPORARY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED})


class RcaClientSettings(Settings):
    """Where the RCA service's gRPC API is, and how it is asked."""

    endpoint: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:50051"),
        description="gRPC of the RCA service: `http://host:port` without TLS, `https://host:port` with.",
    )
    tls: ClientTlsSettings = Field(default=ClientTlsSettings(), description="For an `https` endpoint.")
    token_file: Path | None = Field(
        default=None, description="File that holds the bearer token; read for each question, so it may rotate."
    )
    timeout_seconds: float = Field(default=10.0, gt=0, le=300, description="For one page of incidents.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.endpoint.path or "/") != "/" or self.endpoint.query or self.endpoint.username:
            raise ValueError("endpoint is a host and a port: gRPC has no path, and a token comes from token_file")
        if self.endpoint.scheme != "https" and self.tls != ClientTlsSettings():
            raise ValueError("tls is for an endpoint that begins with https://")
        return self


class RcaClient:
    """Asks one RCA service.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: RcaClientSettings) -> None:
        self._settings = settings
        self._name = f"{settings.endpoint.host}:{settings.endpoint.port}"
        self._page = _PAGE
        if settings.endpoint.scheme == "https":
            client_context(settings.tls, "incidents.tls")

    async def open_incidents(self) -> list[pb.Incident]:
        """The newest first, 1,000 at most.

        Raises:
            TemporaryError: It does not answer now, or a credential's file cannot be read.
            PermanentError: It refuses the credential, or is no such service.
        """
        metadata = self._metadata()
        found: list[pb.Incident] = []
        async with self._channel() as channel:
            stub = rca_pb2_grpc.RcaServiceStub(channel)  # type: ignore[no-untyped-call]
            async for page in self._pages(stub, metadata):
                found += page
                if len(found) >= MOST_INCIDENTS:
                    break
        return found[:MOST_INCIDENTS]

    async def _pages(
        self, stub: rca_pb2_grpc.RcaServiceStub, metadata: tuple[tuple[str, str], ...]
    ) -> AsyncIterator[list[pb.Incident]]:
        token = ""
        while True:
            request = pb.ListIncidentsRequest(page_size=self._page, page_token=token, only_open=True)
            try:
                answer = await stub.ListIncidents(request, timeout=self._settings.timeout_seconds, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED or self._page == 1:
                    raise self._translated(error) from error
                self._page = max(1, self._page // 4)  # incidents with thousands of alerts: fewer at a time
                continue
            yield list(answer.incidents)
            token = answer.next_page_token
            if not token:
                return

    def _translated(self, error: grpc.aio.AioRpcError) -> TemporaryError | PermanentError:
        text = f"RCA service {self._name}: {error.code().name}: {(error.details() or '')[:300]}"
        return (TemporaryError if error.code() in _TEMPORARY else PermanentError)(text)

    def _channel(self) -> grpc.aio.Channel:
        options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
        if self._settings.endpoint.scheme != "https":
            return grpc.aio.insecure_channel(self._name, options)
        tls = self._settings.tls
        credentials = grpc.ssl_channel_credentials(_read(tls.ca_file), _read(tls.key_file), _read(tls.cert_file))
        return grpc.aio.secure_channel(self._name, credentials, options)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        content = _read(self._settings.token_file)
        if content is None:
            return ()
        token = content.decode("ascii", "replace").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise PermanentError(f"token_file {self._settings.token_file} holds no bearer token of printable ASCII")
        return (("authorization", f"Bearer {token}"),)


def _read(file: Path | None) -> bytes | None:
    """Small files of a mounted volume; they may come later."""
    try:
        return None if file is None else file.read_bytes()
    except OSError as error:
        raise TemporaryError(f"{file} cannot be read: {error.strerror}") from error
