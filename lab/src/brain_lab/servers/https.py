"""A server that answers over TLS with a certificate it has made itself, as Kubernetes' programs do.

It writes the certificate and its issuer below its `data_dir` while it starts, so that clients can check it:
nothing here, and nothing given to clients, switches the verification off.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import ClassVar

from brain_lab.servers.server import HOST, Server


@dataclass(kw_only=True)
class HttpsServer(Server):
    """A server that answers 200 on a path of its own over TLS once it is ready."""

    ready_path: ClassVar[str] = "/healthz"
    certificate: ClassVar[str]
    """The file of its certificate, without `.crt`, as the program itself calls it."""

    @property
    def url(self) -> str:
        """`https://127.0.0.1:<port>` while it runs."""
        return f"https://{self.address}"

    @property
    def certificate_dir(self) -> Path:
        """Where the program keeps its certificate and key."""
        return self.data_dir / "pki"

    @property
    def ca_file(self) -> Path:
        """What a client trusts to believe this server."""
        return self.certificate_dir / f"{self.certificate}.crt"

    @property
    def key_file(self) -> Path:
        """The key of the certificate."""
        return self.certificate_dir / f"{self.certificate}.key"

    def _headers(self) -> Mapping[str, str]:
        return {}

    def _answers(self, port: int) -> bool:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError:
            return False  # not written yet, or half
        connection = HTTPSConnection(HOST, port, timeout=2, context=context)
        try:
            connection.request("GET", self.ready_path, headers=dict(self._headers()))
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
