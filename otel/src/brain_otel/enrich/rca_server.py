"""Where the processor finds the RCA service's gRPC API."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, model_validator

from brain_common.clients.rca import RcaServer
from brain_common.settings import Settings
from brain_otel.client_tls import client_context
from brain_otel.config import ClientTlsSettings


class RcaServerSettings(Settings):
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

    def server(self) -> RcaServer:
        """As the client takes it.

        Raises:
            ConfigError: A TLS file cannot be read or does not fit.
        """
        encrypted = self.endpoint.scheme == "https"
        if encrypted:
            client_context(self.tls, "incidents.tls")
        return RcaServer(
            f"{self.endpoint.host}:{self.endpoint.port}",
            encrypted,
            self.tls.ca_file,
            self.tls.cert_file,
            self.tls.key_file,
            self.token_file,
            seconds=self.timeout_seconds,
        )
