"""versitygw: the S3 API, conditional writes included, over a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from brain_lab.servers.server import HOST, HttpServer


@dataclass(kw_only=True)
class S3Gateway(HttpServer):
    """One account, whose credentials are these; buckets are folders below ``buckets``."""

    program: ClassVar[str] = "versitygw"
    ready_path: ClassVar[str] = "/health"

    access_key: str = "test-access"
    secret_key: str = "test-secret"  # noqa: S105 - of a server on loopback that lives for a test
    region: str = "us-east-1"

    def environment(self) -> dict[str, str]:
        """What AWS clients read to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
        }

    def _environ(self) -> Mapping[str, str]:
        return {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}

    def _command(self, port: int) -> list[str]:
        buckets = self.data_dir / "buckets"
        buckets.mkdir(parents=True, exist_ok=True)
        return [
            str(self.executable),
            f"--port={HOST}:{port}",
            f"--region={self.region}",
            "--health=/health",
            "--quiet",
            *self.flags,
            "posix",
            str(buckets),
        ]
