"""Jaeger with everything in one process: takes OTLP, keeps traces in memory, answers questions about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from brain_lab.servers.server import HOST, HttpServer, free_port

_LISTENERS: Final = (
    "admin.http.host-port",
    "collector.grpc-server.host-port",
    "collector.http-server.host-port",
    "collector.otlp.grpc.host-port",
    "query.grpc-server.host-port",
)


@dataclass(kw_only=True)
class Jaeger(HttpServer):
    """A running Jaeger without traces; its own port is that of the query service."""

    program: ClassVar[str] = "jaeger-all-in-one"
    ready_path: ClassVar[str] = "/api/services"

    _otlp_port: int = field(default=0, init=False, repr=False)

    @property
    def otlp_url(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{HOST}:{self._otlp_port}"

    def _command(self, port: int) -> list[str]:
        self._otlp_port = free_port()
        listeners = [f"--{name}={HOST}:{free_port()}" for name in _LISTENERS]
        return [
            str(self.executable),
            f"--query.http-server.host-port={HOST}:{port}",
            "--collector.otlp.enabled=true",
            f"--collector.otlp.http.host-port={HOST}:{self._otlp_port}",
            *listeners,
            *self.flags,
        ]

    def _environ(self) -> Mapping[str, str]:
        return {"SPAN_STORAGE_TYPE": "memory", "OTEL_TRACES_SAMPLER": "always_off"}
