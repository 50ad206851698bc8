"""Loki as one process that keeps its chunks in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import HOST, HttpServer


@dataclass(kw_only=True)
class Loki(HttpServer):
    """A running Loki without lines; it takes them of any age."""

    program: ClassVar[str] = "loki"
    ready_path: ClassVar[str] = "/ready"

    def push(self, labels: Mapping[str, str], lines: Sequence[tuple[float, str]]) -> None:
        """Write lines of one stream; times in seconds since the epoch."""
        values = [[str(round(at * 1e6) * 1000), text] for at, text in lines]
        body = {"streams": [{"stream": dict(labels), "values": values}]}
        with httpx.Client(trust_env=False, timeout=30) as client:
            response = client.post(f"{self.url}/loki/api/v1/push", json=body)
        if response.is_error:
            raise ServerFailed(f"loki answered {response.status_code} to a push: {response.text[:200]}")

    def _command(self, port: int) -> list[str]:
        file = self.data_dir / "loki.json"  # JSON is YAML
        file.write_text(json.dumps(self._config(port)))
        return [str(self.executable), f"-config.file={file}", *self.flags]

    def _config(self, port: int) -> dict[str, Any]:
        folder = str(self.data_dir)
        listen = {"http_listen_address": HOST, "http_listen_port": port, "log_level": "warn"}
        schema = {"from": "2020-01-01", "store": "tsdb", "object_store": "filesystem", "schema": "v13"}
        return {
            "auth_enabled": False,
            "server": {**listen, "grpc_listen_address": HOST, "grpc_listen_port": 0},
            "common": {
                "instance_addr": HOST,
                "path_prefix": folder,
                "replication_factor": 1,
                "ring": {"kvstore": {"store": "inmemory"}},
                "storage": {
                    "filesystem": {"chunks_directory": f"{folder}/chunks", "rules_directory": f"{folder}/rules"}
                },
            },
            "schema_config": {"configs": [{**schema, "index": {"prefix": "index_", "period": "24h"}}]},
            "limits_config": {"reject_old_samples": False},
            "analytics": {"reporting_enabled": False},
        }
