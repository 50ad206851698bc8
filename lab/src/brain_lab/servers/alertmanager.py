"""An Alertmanager, alone or as one peer of a gossiping cluster.

Alone it opens no gossip port. As a peer it takes `peers`, the gossip addresses of those started before
it (an empty list for the first), and says its own in `gossip_address`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from brain_lab.servers.document import Document, render
from brain_lab.servers.server import HOST, HttpServer, free_port


def default_config() -> dict[str, Any]:
    """Takes every alert and notifies nobody."""
    return {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


@dataclass(kw_only=True)
class Alertmanager(HttpServer):
    """A running Alertmanager.

    Attributes:
        config: Its configuration.
        peers: The gossip addresses of its cluster; None when it is alone.
    """

    program: ClassVar[str] = "alertmanager"

    config: Document = field(default_factory=default_config)
    peers: Sequence[str] | None = None
    _gossip_port: int | None = field(default=None, init=False, repr=False)

    @property
    def gossip_address(self) -> str:
        """What a further peer is given in `peers`."""
        if self._gossip_port is None:
            raise RuntimeError("this Alertmanager is not part of a cluster, or not running")
        return f"{HOST}:{self._gossip_port}"

    def _command(self, port: int) -> list[str]:
        config_file = self.data_dir / "alertmanager.yml"
        config_file.write_text(render(self.config), encoding="utf-8")
        return [
            str(self.executable),
            f"--config.file={config_file}",
            f"--storage.path={self.data_dir / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            *self._gossip_flags(),
            *self.flags,
        ]

    def _gossip_flags(self) -> list[str]:
        if self.peers is None:
            return ["--cluster.listen-address="]
        self._gossip_port = free_port()
        return [
            f"--cluster.listen-address={self.gossip_address}",
            f"--cluster.advertise-address={self.gossip_address}",
            *(f"--cluster.peer={peer}" for peer in self.peers),
        ]
