"""A Kubernetes control plane: etcd, API server, controllers, scheduler, and kwok in place of the kubelets.

    with ControlPlane(data_dir=folder, tokens={"reader": ["viewers"]}) as plane:
        plane.add_node("node-1")
        kubernetes.config.load_kube_config(str(plane.kubeconfig("reader")))

Scheduling, controllers, quotas, RBAC and their events are real. Containers are not: a pod on a node of this
cluster is Running because kwok says so. What else it says is chosen by the label `brain.test/stage`, which
may be set from the start, changed later, or taken away:

    pod   oom-killed        its first container is killed once for its memory, and runs again
    pod   crash-loop        its first container fails again and again, and waits in between
    node  not-ready         its kubelet reports that it is not ready
    node  heartbeat-lost    its kubelet says nothing more; `node_grace_seconds` later the node is Unknown

A pod's first container is the one that fails; sidecars go on.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import httpx

from brain_lab.servers.document import Document
from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.etcd import Etcd
from brain_lab.servers.kube_programs import STAGES, ApiServer, ControllerManager, Kwok, Scheduler
from brain_lab.servers.kubeconfig import new_tokens, write_kubeconfig
from brain_lab.servers.server import Server

ADMIN: Final = "admin"
MASTERS: Final = "system:masters"
CONTROLLER_MANAGER: Final = "system:kube-controller-manager"
SCHEDULER: Final = "system:kube-scheduler"
KWOK: Final = "kwok"

OWN_USERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {ADMIN: [MASTERS], CONTROLLER_MANAGER: [MASTERS], SCHEDULER: [], KWOK: [MASTERS]}
)

NODE: Final[Mapping[str, str]] = MappingProxyType({"cpu": "8", "memory": "32Gi", "pods": "110"})
"""What a node has unless a caller says otherwise."""

STAGE_LABEL: Final = "brain.test/stage"


@dataclass(kw_only=True)
class ControlPlane:
    """All of it, ready when entered; ended in the opposite order.

    Attributes:
        data_dir: The folder for its files and logs.
        tokens: Users beside the admin, each with its groups; they may do what RBAC gives them: at first, nothing.
        apiserver_flags: Further arguments of the API server, such as `--event-ttl=5s` or `--watch-cache=false`.
        with_kwok: Whether nodes and pods are played; without, they stay as they were created.
        stages: What kwok plays, in place of its own.
        node_grace_seconds: How long a node may be silent until it counts as lost. Heartbeats come every two seconds.
        binaries: Files of programs, by name; found by their names otherwise.
    """

    data_dir: Path
    tokens: Mapping[str, Sequence[str]] = field(default_factory=dict)
    apiserver_flags: Sequence[str] = ()
    with_kwok: bool = True
    stages: Document = STAGES
    node_grace_seconds: int = 10
    binaries: Mapping[str, Path] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _etcd: Etcd | None = field(default=None, init=False, repr=False)
    _apiserver: ApiServer | None = field(default=None, init=False, repr=False)
    _tokens: Mapping[str, str] = field(default_factory=dict, init=False, repr=False)

    @property
    def etcd(self) -> Etcd:
        """Its storage; stopped and started, it keeps its port and its keys."""
        if self._etcd is None:
            raise RuntimeError("the control plane is not running")
        return self._etcd

    @property
    def apiserver(self) -> ApiServer:
        """Its API server; stopped and started, it keeps its port and its certificate."""
        if self._apiserver is None:
            raise RuntimeError("the control plane is not running")
        return self._apiserver

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return self.apiserver.url

    @property
    def ca_file(self) -> Path:
        """What a client trusts to believe the API server."""
        return self.apiserver.ca_file

    def token(self, user: str = ADMIN) -> str:
        """The bearer token of a user."""
        return self._tokens[user]

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """The file that lets kubectl and client libraries come in as a user."""
        return self.data_dir / "kubeconfig" / f"{user.replace(':', '-')}.json"

    def client(self, user: str = ADMIN) -> httpx.Client:
        """An HTTP client of the API as a user; the caller closes it."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token(user)}"},
            verify=ssl.create_default_context(cafile=self.ca_file),
            trust_env=False,
            timeout=10,
        )

    def add_node(
        self, name: str, *, labels: Mapping[str, str] | None = None, capacity: Mapping[str, str] | None = None
    ) -> None:
        """Create a node; kwok makes it ready within a moment.

        Args:
            name: Its name.
            labels: Its labels beside its host name's.
            capacity: What it has, beside or in place of 8 CPUs, 32 GiB and room for 110 pods.
        """
        resources = {**NODE, **(capacity or {})}
        all_labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **(labels or {})}
        node = {
            "metadata": {"name": name, "labels": all_labels},
            "status": {"capacity": resources, "allocatable": resources},
        }
        self._call("POST", "/api/v1/nodes", node)

    def create_namespace(self, name: str) -> None:
        """Make a namespace, for a test that shares the cluster with others."""
        self._call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def delete_namespace(self, name: str) -> None:
        """Remove a namespace with all that is in it; the controllers do it soon after."""
        self._call("DELETE", f"/api/v1/namespaces/{name}")

    def compact(self) -> int:
        """Make etcd forget all that was before now; returns the oldest resourceVersion that is left.

        A watch from an older one gets 410 Gone where the API server asks etcd: for events always, for
        everything else with `--watch-cache=false` or after `restart_apiserver`, which forgets its own cache.
        """
        return self.etcd.compact()

    def restart_apiserver(self) -> None:
        """End the API server and start it again on the same port; every watch is cut off."""
        self.apiserver.stop()
        self.apiserver.start()

    def start(self) -> None:
        """Start all of it and wait until it is ready."""
        with ExitStack() as stack:
            self._start_storage_and_api(stack)
            self._start_clients(stack)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End all of it; does nothing when it is not running."""
        self._stack.close()
        self._etcd = self._apiserver = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_storage_and_api(self, stack: ExitStack) -> None:
        folder = self.data_dir / "kubeconfig"
        folder.mkdir(parents=True, exist_ok=True)
        token_file = self.data_dir / "tokens.csv"
        self._tokens = new_tokens({**self.tokens, **OWN_USERS}, token_file)
        self._etcd = Etcd(data_dir=self.data_dir / "etcd", binary=self.binaries.get(Etcd.program))
        _enter_and_keep_port(stack, self._etcd)
        self._apiserver = ApiServer(
            data_dir=self.data_dir / "apiserver",
            etcd_url=self._etcd.url,
            token_file=token_file,
            token=self.token(),
            flags=self.apiserver_flags,
            binary=self.binaries.get(ApiServer.program),
        )
        _enter_and_keep_port(stack, self._apiserver)
        for user, token in self._tokens.items():
            write_kubeconfig(self.kubeconfig(user), url=self.url, ca_file=self.ca_file, user=user, token=token)

    def _start_clients(self, stack: ExitStack) -> None:
        stack.enter_context(
            ControllerManager(
                data_dir=self.data_dir / "controller-manager",
                kubeconfig=self.kubeconfig(CONTROLLER_MANAGER),
                service_account_key=self.apiserver.key_file,
                node_grace_seconds=self.node_grace_seconds,
                binary=self.binaries.get(ControllerManager.program),
            )
        )
        stack.enter_context(
            Scheduler(
                data_dir=self.data_dir / "scheduler",
                kubeconfig=self.kubeconfig(SCHEDULER),
                binary=self.binaries.get(Scheduler.program),
            )
        )
        if self.with_kwok:
            stack.enter_context(
                Kwok(
                    data_dir=self.data_dir / "kwok",
                    kubeconfig=self.kubeconfig(KWOK),
                    stages=self.stages,
                    binary=self.binaries.get(Kwok.program),
                )
            )

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        with self.client() as client:
            response = client.request(method, path, json=body)
        if response.is_error:
            raise ServerFailed(f"kube-apiserver answered {response.status_code} to {method} {path}: {response.text}")


def _enter_and_keep_port(stack: ExitStack, server: Server) -> None:
    """Others are told its address once, so it must come back there after a restart."""
    stack.enter_context(server)
    server.port = int(server.address.rpartition(":")[2])
