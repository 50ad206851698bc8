"""OpenSearch as a cluster of one node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import HOST, HttpServer, free_port


@dataclass(kw_only=True)
class OpenSearch(HttpServer):
    """A running OpenSearch without indices; a Java program takes seconds to start, so many tests share one."""

    program: ClassVar[str] = "opensearch"
    # Not green: that would take a second node for the copies of indices that a restart finds.
    ready_path: ClassVar[str] = "/_cluster/health?wait_for_status=yellow&timeout=1s"

    def create_index(self, name: str, body: Mapping[str, Any] | None = None) -> None:
        """Make an index, with settings and mappings where they are given."""
        self.ask("PUT", f"/{name}", json.dumps(body or {}))

    def write(self, index: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Write documents, as collectors do, and wait until searches find them."""
        lines = [text for one in documents for text in ('{"create":{}}', json.dumps(one))]
        answer = self.ask("POST", f"/{index}/_bulk?refresh=true", "\n".join([*lines, ""]))
        if answer["errors"]:
            raise ServerFailed(f"opensearch did not take all documents: {json.dumps(answer['items'])[:1000]}")

    def ask(self, method: str, path: str, body: str = "") -> dict[str, Any]:
        """The answer of its API, in JSON on both sides."""
        headers = {"Content-Type": "application/json"} if body else {}
        with httpx.Client(trust_env=False, timeout=60) as client:
            response = client.request(method, f"{self.url}{path}", content=body.encode(), headers=headers)
        if response.is_error:
            raise ServerFailed(f"opensearch answered {response.status_code} to {method} {path}: {response.text[:1000]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _command(self, port: int) -> list[str]:
        settings = {
            "path.data": self.data_dir / "data",
            "path.logs": self.data_dir / "logs",
            "network.host": HOST,
            "http.port": port,
            "transport.port": free_port(),
            "discovery.type": "single-node",
            # A disk that is nearly full makes indices read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        return [str(self.executable), *(f"-E{name}={value}" for name, value in settings.items()), *self.flags]
