"""Settings of the processor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from brain_common.serving.config import CallerSettings, ListenSettings, WebSettings
from brain_common.settings import Settings
from brain_lake.config import LakeSettings, UpkeepSettings
from brain_otel.graph.config import ServiceGraphSettings
from brain_otel.lake_copy.config import LakeCopySettings

MIB = 1 << 20
PORT_STEP = 10
"""Between the ports of two workers."""
_ENDPOINT = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?(?P<path>(/[^?#@]*)?)"
)
_HEADER_NAME = re.compile(r"[a-zA-Z0-9_.-]+(?<!-bin)")  # of gRPC; `-bin` would be binary
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?")


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

    grpc: GrpcSettings = Field(default=GrpcSettings(), description="OTLP/gRPC.")
    http: HttpSettings | None = Field(default=HttpSettings(), description="OTLP/HTTP; `null`: nobody listens.")
    callers: Sequence[CallerSettings] = Field(
        default=(), description="Who may send, by bearer token or basic auth; anybody who reaches the port when empty."
    )
    max_request_bytes: int = Field(
        default=64 * MIB, ge=1024, le=1024 * MIB, description="Largest request, as sent and after inflation."
    )


class ClientTlsSettings(Settings):
    """TLS towards a server; used when its endpoint is `https`."""

    ca_file: Path | None = Field(default=None, description="PEM bundle to trust instead of the system's.")
    cert_file: Path | None = Field(default=None, description="Client certificate (PEM) for mTLS.")
    key_file: Path | None = Field(default=None, description="Its private key (PEM).")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are given together or not at all")
        return self


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
    tls: ClientTlsSettings = Field(default=ClientTlsSettings(), description="TLS towards it, of an `https` endpoint.")

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:  # noqa: ANN401 - not yet checked
        """OTLP's own ports where none is given; pydantic's URL would mean 80 and 443."""
        if not isinstance(data, Mapping) or not isinstance(endpoint := data.get("endpoint"), str):
            return data
        match = _ENDPOINT.fullmatch(endpoint.strip())
        if match is None:
            raise ValueError("endpoint: expected http://host[:port] or https://host[:port], with a path only for http")
        port = match["port"] or (":4318" if data.get("protocol") == "http" else ":4317")
        if match["path"].rstrip("/").endswith(("/v1/traces", "/v1/metrics", "/v1/logs")):
            raise ValueError("endpoint: without /v1/traces and the like, which are added for each signal")
        if match["path"].strip("/") and data.get("protocol") != "http":
            raise ValueError("endpoint: OTLP/gRPC has no path")
        return {**data, "endpoint": f"{match['scheme']}://{match['host']}{port}{match['path']}"}

    @model_validator(mode="after")
    def _tls_where_it_is_spoken(self) -> Self:
        if not self.encrypted and self.tls != ClientTlsSettings():
            raise ValueError("tls is for an endpoint that begins with https://")
        return self

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header")
            if not _HEADER_VALUE.fullmatch(value.get_secret_value()):
                raise ValueError(f"the value of {name} is not printable ASCII without blanks around it")
        return headers

    @property
    def address(self) -> str:
        """``host:port``, for gRPC and for messages."""
        return f"{self.endpoint.host}:{self.endpoint.port}"

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.endpoint.scheme == "https"


class OtelSettings(Settings):
    """Configuration file of ``brain otel``."""

    cluster: str = Field(
        default="",
        max_length=253,
        description="Name of the cluster that the signals come from. The step `tags` adds it to resources, as "
        "`k8s.cluster.name`.",
    )
    otlp: OtlpSettings = Field(default=OtlpSettings(), description="What is listened on, and who may send.")
    next_hop: NextHopSettings = Field(default=NextHopSettings(), description="Where enriched signals go.")
    enrich: Sequence[Mapping[str, Mapping[str, Any] | None]] = Field(
        default=(), description="Steps in their order, each `name: settings`."
    )
    service_graph: ServiceGraphSettings = Field(
        default=ServiceGraphSettings(), description="Metrics and edges made from spans."
    )
    metrics: MetricsSettings = Field(default=MetricsSettings(), description="The processor's own metrics.")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes, one for each core; every port of worker `i` is `10 * i` higher, counted from 0.",
    )
    lake: LakeSettings | None = Field(default=None, description="Where a copy goes; none is made when absent.")
    lake_copy: LakeCopySettings = Field(default=LakeCopySettings(), description="What is copied to the lake.")
    lake_upkeep: UpkeepSettings = Field(
        default=UpkeepSettings(), description="How the tables `logs`, `spans` and `edges` are kept quick and small."
    )
    memory_limit_bytes: int = Field(
        default=512 * MIB,
        ge=128 * MIB,
        description="Resident memory that no worker goes beyond: requests that would are refused so that senders keep "
        "them and try again.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Of the log.")

    @field_validator("enrich", mode="before")
    @classmethod
    def _steps_with_settings(cls, steps: Any) -> Any:  # noqa: ANN401 - not yet checked
        if isinstance(steps, Mapping):
            raise ValueError("write a list, as `- name: {…}` for each step: their order counts")
        for name in steps if isinstance(steps, list) else ():
            if isinstance(name, str):
                raise ValueError(f"write a step as `- {name}: {{}}`, with its settings if it needs any")
        return steps

    @model_validator(mode="after")
    def _room_for_one_request(self) -> Self:
        least = 96 * MIB + 4 * self.otlp.max_request_bytes
        if self.memory_limit_bytes < least:
            raise ValueError(
                f"memory_limit_bytes must be {least} at least, 96 MiB and four times otlp.max_request_bytes: a request "
                "is in memory as received, decoded, and encoded again"
            )
        return self

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
