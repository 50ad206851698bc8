"""The processor as users start it: `brain otel --config FILE`, a process of its own that can be killed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from brain_lab.servers.document import render
from brain_lab.servers.server import HOST, HttpServer

SHIPPED = Path(__file__).parents[3] / "otel" / "collector"


@dataclass(kw_only=True)
class Processor(HttpServer):
    """The shipped configuration on other ports; its own port is that of its metrics.

    Attributes:
        listens: Port of OTLP/gRPC.
        listens_http: Port of OTLP/HTTP; None as shipped, where nobody listens.
        sends_to: The next hop, `host:port`.
        tags: Attributes that it gives to resources, beside the shipped one.
    """

    program: ClassVar[str] = "brain"
    ready_path: ClassVar[str] = "/-/healthy"

    listens: int
    sends_to: str
    tags: Mapping[str, str]
    listens_http: int | None = None

    @property
    def intake(self) -> str:
        """Where it takes OTLP/gRPC."""
        return f"{HOST}:{self.listens}"

    @property
    def executable(self) -> Path:
        """The command beside this interpreter."""
        return Path(sys.executable).with_name(self.program)

    def _command(self, port: int) -> list[str]:
        config = self.data_dir / "brain-otel.yaml"
        config.write_text(render(self._config(port)), encoding="utf-8")
        return [str(self.executable), "otel", f"--config={config}", *self.flags]

    def _config(self, port: int) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load((SHIPPED / "brain-otel.yaml").read_text(encoding="utf-8"))
        config["otlp"]["grpc"]["port"] = self.listens
        config["otlp"]["http"] = None if self.listens_http is None else {"port": self.listens_http}
        config["next_hop"]["endpoint"] = f"http://{self.sends_to}"
        config["enrich"][0]["tags"]["attributes"].update(self.tags)
        config["metrics"] = {"port": port}
        return config
