"""Nodes: cores, memory and disk that pods share, and what happens when there is not enough of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.happenings import Happenings
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import Array, Index, Mask, Network
from brain_lab.simulate.queueing import waiting
from brain_lab.simulate.recording import TICK

SYSTEM_CORES: Final = 0.25
"""What kubelet, container runtime and DaemonSets use."""

SYSTEM_MEMORY: Final = 1.2e9
"""Bytes they use."""

SYSTEM_DISK: Final = 0.38
"""Share of the root volume taken by the system and by images."""

PRESSURE: Final = 0.06
"""Share of memory that has to be available, else the kubelet reports MemoryPressure."""

DISK_PRESSURE: Final = 0.10
"""Share of the disk that has to be free, else it reports DiskPressure: the kubelet's default for nodefs."""

GRACE: Final = 40.0
"""Seconds without a word from the kubelet until the node is not ready: the controller's default."""

TOLERATION: Final = 300.0
"""Seconds that pods stay on a node that is not ready: the default toleration."""

_FIVE_MINUTES: Final = 1.0 - float(np.exp(-TICK / 300.0))


class Nodes:
    """State of all nodes, spare ones included."""

    def __init__(self, network: Network, happenings: Happenings) -> None:
        nodes = network.platform.nodes
        self.names = tuple(node.name for node in nodes)
        self.cores = np.array([float(node.cores) for node in nodes])
        self.capacity = np.array([node.memory for node in nodes])
        self.disk = np.array([node.disk for node in nodes])
        self.gpus = np.array([float(node.gpus) for node in nodes])
        self.active: Mask = np.array([not node.spare for node in nodes])
        self.ready: Mask = self.active.copy()
        self.pressure: Mask = np.zeros(len(nodes), dtype=np.bool_)
        self.disk_pressure: Mask = np.zeros(len(nodes), dtype=np.bool_)
        self.busy = np.zeros(len(nodes))
        self.memory = np.full(len(nodes), SYSTEM_MEMORY)
        self.load5 = np.zeros(len(nodes))
        self.disk_used = SYSTEM_DISK * self.disk
        self.disk_busy = np.full(len(nodes), 0.03)
        self.lost: Mask = np.zeros(len(nodes), dtype=np.bool_)
        self._silent = np.zeros(len(nodes))
        self._drain = np.zeros(len(nodes))
        self._terminate = np.zeros(len(nodes))
        self.emptied: Mask = np.zeros(len(nodes), dtype=np.bool_)
        self._happenings = happenings

    def contend(self, where: Index, demand: Array, memory: Array, io: Array, knobs: Knobs) -> tuple[Array, Array]:
        """Share out what the pods want.

        Args:
            where: [P] node of each pod, those without one left out.
            demand: [P] cores each wants.
            memory: [P] bytes of each.
            io: [P] busy share of the disk that each causes.
            knobs: Of this tick.

        Returns:
            [N] factor by which CPU work takes longer, and [N] by which disk work does.
        """
        count = len(self.names)
        wanted = np.bincount(where, demand, count) + SYSTEM_CORES + knobs.node_cpu
        use = wanted / self.cores
        self.memory = np.minimum(np.bincount(where, memory, count) + SYSTEM_MEMORY + knobs.node_memory, self.capacity)
        self.disk_used = np.minimum(SYSTEM_DISK * self.disk + knobs.node_disk, self.disk)
        self.disk_busy = np.minimum(np.bincount(where, io, count) + 0.03 + knobs.node_io, 1.0)
        tight = np.clip((self.memory / self.capacity - 0.9) / 0.1, 0.0, 1.0)  # page cache goes first
        thrash = 1.0 + 6.0 * tight * tight
        self.disk_busy = np.minimum(self.disk_busy + 0.5 * tight, 1.0)
        self.busy = np.minimum(use, 1.0)
        self.load5 += _FIVE_MINUTES * (wanted + 4.0 * self.disk_busy * tight - self.load5)
        self._judge()
        cpu = np.maximum(use, 1.0) * (1.0 + waiting(use, self.cores)) * thrash
        disk = thrash / np.maximum(1.0 - 0.9 * self.disk_busy, 0.05)
        return cpu, disk

    def _judge(self) -> None:
        free = 1.0 - self.memory / self.capacity
        self.pressure = self.active & (free < np.where(self.pressure, 1.5 * PRESSURE, PRESSURE))
        self.disk_pressure = self.active & (1.0 - self.disk_used / self.disk < DISK_PRESSURE)

    def breathe(self, at: float, knobs: Knobs) -> None:
        """Notice which kubelets have been silent for too long, which nodes are emptied, and which are gone."""
        self._empty(at, knobs)
        self._silent = np.where(knobs.node_gone > 0.0, self._silent + TICK, 0.0)
        ready = self.active & (self._silent < GRACE)
        for node in np.flatnonzero(self.ready & ~ready):
            self.say(at, int(node), "NodeNotReady", "status is now: NodeNotReady", warning=True)
        self.ready = ready
        self.lost = self.active & (self._silent >= GRACE + TOLERATION)

    def _empty(self, at: float, knobs: Knobs) -> None:
        """``emptied``: nodes whose pods have to leave in this tick."""
        ended = self.active & (knobs.node_terminate > self._terminate)
        self.emptied = ended | (self.active & (knobs.node_drain > self._drain))
        self._drain, self._terminate = knobs.node_drain.copy(), knobs.node_terminate.copy()
        self.active = self.active & ~ended
        self.ready = self.ready & ~ended
        for node in np.flatnonzero(ended):
            name = self.names[node]
            words = f"Deleting node {name} because it does not exist in the cloud provider"
            component = "cloud-node-lifecycle-controller"
            self._happenings.add(at, ("Node", "", name), "DeletingNode", words, component)

    def say(self, at: float, node: int, reason: str, words: str, *, warning: bool = False) -> None:
        """Record an event about a node."""
        name = self.names[node]
        self._happenings.add(
            at, ("Node", "", name), reason, f"Node {name} {words}", "kubelet", warning=warning, host=name
        )

    def states(self) -> dict[str, Array]:
        """What is recorded."""
        return {
            "active": self.active.astype(np.float64),
            "ready": self.ready.astype(np.float64),
            "busy": self.busy,
            "memory": self.memory,
            "load5": self.load5,
            "disk_used": self.disk_used,
            "disk_busy": self.disk_busy,
            "pressure": self.pressure.astype(np.float64),
            "disk_pressure": self.disk_pressure.astype(np.float64),
        }
