"""The programs of a Kubernetes control plane, each as a server of its own; `control_plane` puts them together.

The API server, the controllers and the scheduler are the real ones. kwok stands in for the kubelets: nodes
and pods exist in the API only, and what happens to them is said by the stages it is given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from brain_lab.servers.document import Document, render
from brain_lab.servers.https import HttpsServer
from brain_lab.servers.server import HOST, HttpServer

STAGES: Final = Path(__file__).with_name("kwok-stages.yaml")
"""What pods and nodes go through unless a caller brings stages of its own."""

ADVERTISED: Final = "192.0.2.1"
"""Kubernetes refuses a loopback address here; this one is reserved for examples, and nobody connects to it."""


@dataclass(kw_only=True)
class ApiServer(HttpsServer):
    """A kube-apiserver with token authentication and RBAC.

    Attributes:
        etcd_url: Its storage.
        token_file: Who may come in: lines of token, user, uid and groups.
        token: One of them, whose owner may ask whether the server is ready.
    """

    program: ClassVar[str] = "kube-apiserver"
    ready_path: ClassVar[str] = "/readyz"
    certificate: ClassVar[str] = "apiserver"
    stop_grace: ClassVar[float] = 2.0  # it waits a minute for watches to end, and has nothing to lose: etcd keeps all

    etcd_url: str
    token_file: Path
    token: str

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--etcd-servers={self.etcd_url}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            f"--advertise-address={ADVERTISED}",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.certificate_dir}",
            f"--token-auth-file={self.token_file}",
            "--authorization-mode=RBAC",
            # The key it makes for TLS also signs tokens of service accounts: one key less to generate.
            f"--service-account-key-file={self.key_file}",
            f"--service-account-signing-key-file={self.key_file}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It refuses pods of a namespace until its default service account is there.
            "--disable-admission-plugins=ServiceAccount",
            *self.flags,
        ]

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(kw_only=True)
class ControllerManager(HttpsServer):
    """A kube-controller-manager with all its controllers.

    Attributes:
        kubeconfig: How it reaches the API server.
        service_account_key: What signs tokens of service accounts.
        node_grace_seconds: How long a node may be silent until it counts as lost.
    """

    program: ClassVar[str] = "kube-controller-manager"
    certificate: ClassVar[str] = "kube-controller-manager"

    kubeconfig: Path
    service_account_key: Path
    node_grace_seconds: int

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            f"--cert-dir={self.certificate_dir}",
            f"--service-account-private-key-file={self.service_account_key}",
            "--leader-elect=false",
            "--node-monitor-period=1s",
            f"--node-monitor-grace-period={self.node_grace_seconds}s",
            *self.flags,
        ]


@dataclass(kw_only=True)
class Scheduler(HttpsServer):
    """A kube-scheduler.

    Attributes:
        kubeconfig: How it reaches the API server.
    """

    program: ClassVar[str] = "kube-scheduler"
    certificate: ClassVar[str] = "kube-scheduler"

    kubeconfig: Path

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            f"--cert-dir={self.certificate_dir}",
            "--leader-elect=false",
            *self.flags,
        ]


@dataclass(kw_only=True)
class Kwok(HttpServer):
    """A kwok that plays every node and every pod.

    Attributes:
        kubeconfig: How it reaches the API server.
        stages: What nodes and pods go through: Stages of `kwok.x-k8s.io/v1alpha1`.
    """

    program: ClassVar[str] = "kwok"
    ready_path: ClassVar[str] = "/healthz"

    kubeconfig: Path
    stages: Document = STAGES

    def _command(self, port: int) -> list[str]:
        config = self.data_dir / "stages.yaml"
        config.write_text(render(self.stages), encoding="utf-8")
        return [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            f"--server-address={HOST}:{port}",
            f"--config={config}",
            "--manage-all-nodes=true",
            # Leases are renewed whatever the stages say; without them a node's heartbeat is its status alone.
            "--node-lease-duration-seconds=0",
            *self.flags,
        ]

    def _environ(self) -> Mapping[str, str]:
        return {**os.environ, "KWOK_WORKDIR": str(self.data_dir)}


PROGRAMS: Final[Sequence[str]] = (
    "etcd",
    ApiServer.program,
    ControllerManager.program,
    Scheduler.program,
    Kwok.program,
)
"""All programs of a control plane."""
