"""An S3 API over a folder: versitygw with its posix backend.

Conditional writes (`If-None-Match: *`), multipart uploads and signatures are those of a real S3 server. What
was written lies as plain files in `buckets_dir`, a folder for each bucket.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from brain_lab.servers.server import HOST, HttpServer


@dataclass(kw_only=True)
class S3Gateway(HttpServer):
    """A running S3 gateway; restarted on the same `data_dir`, it finds its objects again.

    Attributes:
        access_key: The access key of the one account there is.
        secret_key: Its secret.
        region: The region that requests are signed for.
    """

    program: ClassVar[str] = "versitygw"
    ready_path: ClassVar[str] = "/health"

    access_key: str = "brain"
    secret_key: str = "brain-secret"  # noqa: S105 - of a server that lives as long as a test
    region: str = "us-east-1"

    @property
    def buckets_dir(self) -> Path:
        """The folder that holds the objects."""
        return self.data_dir / "buckets"

    def _command(self, port: int) -> list[str]:
        sidecar = self.data_dir / "metadata"
        for folder in (self.buckets_dir, sidecar):
            folder.mkdir(exist_ok=True)
        return [
            str(self.executable),
            f"--port={HOST}:{port}",
            f"--region={self.region}",
            f"--health={self.ready_path}",
            *self.flags,
            "posix",
            # Not every file system of a test machine has the extended attributes it would use otherwise.
            f"--sidecar={sidecar}",
            str(self.buckets_dir),
        ]

    def _environ(self) -> Mapping[str, str]:
        keys = {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}
        return {**os.environ, **keys}
