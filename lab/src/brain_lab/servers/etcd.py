"""etcd: where the Kubernetes API server keeps everything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import httpx

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import HOST, HttpServer, free_port


@dataclass(kw_only=True)
class Etcd(HttpServer):
    """One member; does not flush to disk, since nothing of it outlives the machine."""

    program: ClassVar[str] = "etcd"
    ready_path: ClassVar[str] = "/health"

    def compact(self) -> None:
        """Forget all revisions but the newest: who goes on from an older one is told that it is gone.

        Raises:
            ServerFailed: It refused.
        """
        try:
            with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as client:
                found = client.post("/v3/kv/range", json={"key": "AA=="}).raise_for_status().json()
                revision = found["header"]["revision"]
                client.post("/v3/kv/compaction", json={"revision": revision, "physical": True}).raise_for_status()
        except (httpx.HTTPError, KeyError, json.JSONDecodeError) as error:
            raise ServerFailed(f"etcd did not compact: {error}") from error

    def _command(self, port: int) -> list[str]:
        url, peer = f"http://{HOST}:{port}", f"http://{HOST}:{free_port()}"
        return [
            str(self.executable),
            f"--data-dir={self.data_dir / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            *self.flags,
        ]
