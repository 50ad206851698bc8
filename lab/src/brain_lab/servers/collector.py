"""An OpenTelemetry Collector of the contributed components that `tests/servers/otelcol.yaml` lists.

    with Collector(data_dir=folder, config=config, addresses=["OTLP_GRPC_ENDPOINT"]) as collector:
        send_to(collector.at("OTLP_GRPC_ENDPOINT"))

A configuration names its listeners by environment variables, `endpoint: ${env:OTLP_GRPC_ENDPOINT}`, which get free
ports. They are kept over a restart, after a crash too, so that senders find it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from brain_lab.servers.document import Document, render
from brain_lab.servers.server import HOST, HttpServer, free_port

STORAGE_VARIABLE = "FILE_STORAGE_DIR"
"""Names the folder for queues on disk, to the configuration."""


@dataclass(kw_only=True)
class Collector(HttpServer):
    """A running Collector; its own port is that of its health check.

    Attributes:
        config: Its configuration. Health check and own metrics are added, in place of what it says of them.
        addresses: Environment variables that each get an address of loopback, `host:port`.
        environ: Further environment variables that the configuration asks for.
    """

    program: ClassVar[str] = "otelcol"
    ready_path: ClassVar[str] = "/"

    config: Document
    addresses: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    _chosen: Mapping[str, str] = field(default_factory=dict, init=False, repr=False)
    _kept: bool = field(default=False, init=False, repr=False)
    _metrics_port: int = field(default=0, init=False, repr=False)

    @property
    def storage_dir(self) -> Path:
        """What the variable `FILE_STORAGE_DIR` names; for the extension `file_storage`."""
        return self.data_dir / "storage"

    @property
    def metrics_url(self) -> str:
        """Its own metrics, in Prometheus' text format."""
        return f"http://{HOST}:{self._metrics_port}/metrics"

    def at(self, variable: str) -> str:
        """The address that a variable has got."""
        return self._chosen[variable]

    def start(self) -> None:
        """Start it, and keep its addresses for the next time."""
        super().start()
        self._kept = True

    def _command(self, port: int) -> list[str]:
        self.storage_dir.mkdir(exist_ok=True)
        if not self._kept:
            self._chosen = {variable: f"{HOST}:{free_port()}" for variable in self.addresses}
        text = render(self.config)
        config, added = self.data_dir / "config.yaml", self.data_dir / "added.yaml"
        config.write_text(text, encoding="utf-8")
        added.write_text(render(self._added(text, port)), encoding="utf-8")
        return [str(self.executable), f"--config={config}", f"--config={added}", *self.flags]

    def _added(self, text: str, port: int) -> dict[str, Any]:
        """The second file replaces lists of the first, so the extensions of that are named again."""
        self._metrics_port = free_port()
        named = (yaml.safe_load(text).get("service") or {}).get("extensions") or []
        reader = {"pull": {"exporter": {"prometheus": {"host": HOST, "port": self._metrics_port}}}}
        return {
            "extensions": {"health_check": {"endpoint": f"{HOST}:{port}"}},
            "service": {
                "extensions": list(dict.fromkeys([*named, "health_check"])),
                "telemetry": {"metrics": {"readers": [reader]}},
            },
        }

    def _environ(self) -> Mapping[str, str]:
        return {**os.environ, STORAGE_VARIABLE: str(self.storage_dir), **self._chosen, **self.environ}
