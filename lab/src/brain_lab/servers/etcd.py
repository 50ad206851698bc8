"""An etcd of one member, which never waits for the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import HOST, HttpServer, free_port


@dataclass(kw_only=True)
class Etcd(HttpServer):
    """A running etcd; restarted on the same `data_dir`, it finds its keys again."""

    program: ClassVar[str] = "etcd"
    ready_path: ClassVar[str] = "/health"

    def compact(self) -> int:
        """Forget all that was before now, and return the oldest revision that is left."""
        revision = self._call("kv/range", {"key": "AA=="})["header"]["revision"]
        self._call("kv/compaction", {"revision": revision, "physical": True})
        return int(revision)

    def _command(self, port: int) -> list[str]:
        client, peer = f"http://{HOST}:{port}", f"http://{HOST}:{free_port()}"
        return [
            str(self.executable),
            "--name=lab",
            f"--data-dir={self.data_dir / 'data'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=lab={peer}",
            "--unsafe-no-fsync",
            *self.flags,
        ]

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask its JSON gateway; https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            response = client.post(f"{self.url}/v3/{path}", json=body)
        if response.is_error:
            raise ServerFailed(f"etcd answered {response.status_code} to {path}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer
