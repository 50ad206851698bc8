"""A Kubernetes control plane on loopback: etcd, API server, controllers and scheduler are real, kubelets are played.

So events, quotas, RBAC, admission and ``--dry-run=server`` are real. Nodes and pods behave as ``kwok-stages.yaml``
says; what goes wrong with one is asked for by its label ``brain.test/stage``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from brain_lab.servers.etcd import Etcd
from brain_lab.servers.kubernetes import ApiServer, ControllerManager, Kwok, Scheduler
from brain_lab.servers.server import free_port

ADMIN: Final = "admin"
STAGE_LABEL: Final = "brain.test/stage"
"""On a pod: ``oom-killed``, ``crash-loop``; on a node: ``not-ready``."""
PROGRAMS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
_STAGES: Final = Path(__file__).with_name("kwok-stages.yaml")


@dataclass(kw_only=True)
class ControlPlane:
    """Ready when entered, gone when left.

    Attributes:
        data_dir: Folder of all its parts.
        users: Names with their groups; each has the token ``<name>-token``. ``admin`` is always there.
        flags: Of the API server, such as ``--event-ttl=10s``.
        controller_flags: Of the controller manager.
    """

    data_dir: Path
    users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    flags: Sequence[str] = ()
    controller_flags: Sequence[str] = ()
    _running: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    etcd: Etcd = field(init=False)
    api: ApiServer = field(init=False)
    kwok: Kwok = field(init=False)

    @property
    def url(self) -> str:
        """Of the API server."""
        return self.api.url

    @property
    def ca_file(self) -> Path:
        """What its clients trust."""
        return self.api.ca_file

    def token(self, user: str = ADMIN) -> str:
        """The bearer token of a user."""
        return f"{user}-token"

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """A file for clients."""
        return self.data_dir / f"{user}.kubeconfig"

    def compact(self) -> None:
        """Let every resourceVersion but the newest be too old."""
        self.etcd.compact()

    def restart_api(self) -> None:
        """End the API server at once, without goodbye to its watchers, and start it again at the same address."""
        self.api.process.kill()
        self.api.stop()
        self.api.start()

    def start(self) -> None:
        """Start everything.

        Raises:
            ServerMissing: One of the programs is not on this machine.
            ServerFailed: One did not come up.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self.etcd = stack.enter_context(Etcd(data_dir=self.data_dir))
            self.api = stack.enter_context(self._api_server())
            self._write_kubeconfigs()
            folder, config = self.data_dir, self.kubeconfig()
            flags = self._controller_flags()
            stack.enter_context(ControllerManager(data_dir=folder, kubeconfig=config, flags=flags))
            stack.enter_context(Scheduler(data_dir=folder, kubeconfig=config))
            self.kwok = stack.enter_context(Kwok(data_dir=folder, kubeconfig=config, stages=_STAGES))
            self._running = stack.pop_all()

    def stop(self) -> None:
        """End everything, the last started first."""
        self._running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _api_server(self) -> ApiServer:
        tokens, key = self.data_dir / "tokens.csv", self.data_dir / "service-account.key"
        groups = {ADMIN: ["system:masters"], **self.users}
        tokens.write_text("".join(f'{self.token(u)},{u},{u},"{",".join(groups[u])}"\n' for u in groups))
        _write_key(key)
        return ApiServer(
            data_dir=self.data_dir,
            port=free_port(),
            etcd_url=self.etcd.url,
            tokens=tokens,
            service_account_key=key,
            certificates=self.data_dir / "certificates",
            flags=self.flags,
        )

    def _controller_flags(self) -> list[str]:
        key = self.data_dir / "service-account.key"
        return [f"--service-account-private-key-file={key}", *self.controller_flags]

    def _write_kubeconfigs(self) -> None:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        for user in (ADMIN, *self.users):
            content = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": user, "user": {"token": self.token(user)}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
                "current-context": "test",
            }
            self.kubeconfig(user).write_text(json.dumps(content))


def _write_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
