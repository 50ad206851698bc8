"""Settings of the processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, HttpUrl, SecretStr

from brain_common.serving.config import CallerSettings, ListenSettings
from brain_common.settings import Settings

MIB = 1 << 20


class GrpcSettings(ListenSettings):
    """OTLP/gRPC."""

    port: int = Field(default=4317, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class HttpSettings(ListenSettings):
    """OTLP/HTTP."""

    port: int = Field(default=4318, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class MetricsSettings(ListenSettings):
    """The processor's own metrics, with those made from spans."""

    port: int = Field(default=8890, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class OtlpSettings(Settings):
    """What is listened on, and who may send."""

    grpc: GrpcSettings = GrpcSettings()
    http: HttpSettings | None = HttpSettings()
    callers: Sequence[CallerSettings] = Field(
        default=(), description="Who may send, by bearer token or basic auth; anybody who reaches the port when empty."
    )
    max_request_bytes: int = Field(
        default=64 * MIB, ge=1024, le=1024 * MIB, description="Largest request, as sent and after inflation."
    )


class NextHopSettings(Settings):
    """Where enriched signals go: a Collector, or a store that speaks OTLP."""

    endpoint: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:14317"),
        description="`http://host:port` without TLS, `https://host:port` with.",
    )
    protocol: Literal["grpc", "http"] = Field(default="grpc", description="`grpc`, or `http` for OTLP/HTTP.")
    timeout_seconds: float = Field(default=10.0, gt=0, le=300, description="For one request.")
    compression: Literal["none", "gzip"] = Field(default="none", description="Of requests.")
    headers: Mapping[str, SecretStr] = Field(default={}, description="Sent along, such as `authorization`.")


class OtelSettings(Settings):
    """Configuration file of ``brain otel``."""

    cluster: str = Field(default="", max_length=253, description="Name of the cluster that the signals come from.")
    otlp: OtlpSettings = OtlpSettings()
    next_hop: NextHopSettings = NextHopSettings()
    enrich: Sequence[Mapping[str, Mapping[str, Any] | None]] = Field(
        default=(), description="Steps in their order, each `name: settings`."
    )
    metrics: MetricsSettings = MetricsSettings()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Of the log.")
