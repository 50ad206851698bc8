"""Settings of the processor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from brain_common.serving.config import CallerSettings, ListenSettings, WebSettings
from brain_common.settings import Settings
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_otel.lake_copy.config import LakeCopySettings

MIB = 1 << 20
PORT_STEP = 10
"""Between the ports of two workers."""


class GrpcSettings(ListenSettings):
    """OTLP/gRPC."""

    port: int = Field(default=4317, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class HttpSettings(ListenSettings):
    """OTLP/HTTP."""

    port: int = Field(default=4318, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class MetricsSettings(WebSettings):
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
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes, one for each core; every port of worker `i` is `10 * i` higher, counted from 0.",
    )
    lake: LakeSettings | None = Field(default=None, description="Where a copy goes; none is made when absent.")
    lake_copy: LakeCopySettings = Field(default=LakeCopySettings(), description="What is copied to the lake.")
    lake_upkeep: UpkeepSettings = Field(
        default=UpkeepSettings(), description="How the copied tables are kept quick and small in the background."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Of the log.")

    @model_validator(mode="after")
    def _ports_of_their_own(self) -> Self:
        taken: set[tuple[str, int]] = set()
        for number in range(self.workers):
            for key, listener in self.of_worker(number).listeners():
                place = (listener.host, listener.port)
                if listener.port and place in taken:
                    raise ValueError(f"{key}.port: worker {number} would listen on {listener.port}, which is taken")
                if listener.port > 65535:
                    raise ValueError(f"{key}.port: worker {number} would listen on {listener.port}, above 65535")
                taken.add(place)
        return self

    def listeners(self) -> Iterator[tuple[str, ListenSettings]]:
        """Every listener with its key."""
        yield "otlp.grpc", self.otlp.grpc
        if self.otlp.http is not None:
            yield "otlp.http", self.otlp.http
        yield "metrics", self.metrics

    def of_worker(self, number: int) -> Self:
        """With the ports of one worker; a port of 0 stays a free one."""
        http = self.otlp.http
        otlp = {
            "grpc": _moved(self.otlp.grpc, number),
            "http": None if http is None else _moved(http, number),
        }
        changed = {"otlp": self.otlp.model_copy(update=otlp), "metrics": _moved(self.metrics, number)}
        return self.model_copy(update=changed)


def _moved(listener: ListenSettings, number: int) -> ListenSettings:
    port = listener.port and listener.port + PORT_STEP * number
    return listener.model_copy(update={"port": port})
