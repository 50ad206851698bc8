"""The programs of a Kubernetes control plane, each as one server; ``control_plane.py`` puts them together."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import ClassVar

from brain_lab.servers.server import HOST, HttpServer, Server


@dataclass(kw_only=True)
class _Secure(Server):
    """Serves its health by TLS with a certificate it has made for itself."""

    health_path: ClassVar[str] = "/healthz"

    def _answers(self, port: int) -> bool:
        # The certificate may not be there yet, and nothing secret is asked.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = HTTPSConnection(HOST, port, timeout=2, context=context)
        try:
            connection.request("GET", self.health_path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@dataclass(kw_only=True)
class ApiServer(_Secure):
    """kube-apiserver with RBAC; whoever shows a token of the file is who it says.

    Attributes:
        etcd_url: Where it keeps everything.
        tokens: CSV of token, user, uid and groups.
        service_account_key: PEM key that signs and checks tokens of service accounts.
        certificates: Folder for its certificate, which clients trust.
    """

    program: ClassVar[str] = "kube-apiserver"
    health_path: ClassVar[str] = "/readyz"

    etcd_url: str
    tokens: Path
    service_account_key: Path
    certificates: Path

    @property
    def url(self) -> str:
        """`https://127.0.0.1:<port>` while it runs."""
        return f"https://{self.address}"

    @property
    def ca_file(self) -> Path:
        """What clients trust: it has signed its certificate itself."""
        return self.certificates / "apiserver.crt"

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--etcd-servers={self.etcd_url}",
            f"--secure-port={port}",
            f"--bind-address={HOST}",
            f"--advertise-address={HOST}",
            f"--cert-dir={self.certificates}",
            f"--token-auth-file={self.tokens}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self.service_account_key}",
            f"--service-account-signing-key-file={self.service_account_key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            *self.flags,
        ]


@dataclass(kw_only=True)
class _Component(_Secure):
    """The only one of its kind, so nobody is elected.

    Attributes:
        kubeconfig: How it reaches the API server.
    """

    kubeconfig: Path

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            f"--secure-port={port}",
            f"--bind-address={HOST}",
            "--leader-elect=false",
            *self.flags,
        ]


@dataclass(kw_only=True)
class ControllerManager(_Component):
    """kube-controller-manager."""

    program: ClassVar[str] = "kube-controller-manager"


@dataclass(kw_only=True)
class Scheduler(_Component):
    """kube-scheduler."""

    program: ClassVar[str] = "kube-scheduler"


@dataclass(kw_only=True)
class Kwok(HttpServer):
    """Plays the kubelets of all nodes, by the stages of a file.

    Attributes:
        kubeconfig: How it reaches the API server.
        stages: What becomes of nodes and pods.
    """

    program: ClassVar[str] = "kwok"
    ready_path: ClassVar[str] = "/healthz"

    kubeconfig: Path
    stages: Path

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=true",
            f"--config={self.stages}",
            f"--server-address={HOST}:{port}",
            *self.flags,
        ]
