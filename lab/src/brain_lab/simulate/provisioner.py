"""Karpenter: starts a spare node when pods find no room."""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.happenings import Happenings
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.nodes import Nodes

BATCH: Final = 10.0
"""Seconds it waits for further pods before it decides."""

BOOT: Final = (75.0, 130.0)
"""Seconds from the decision until an EC2 instance has joined as a ready node."""


class Provisioner:
    """Nodes on their way."""

    def __init__(self, nodes: Nodes, happenings: Happenings, rng: np.random.Generator) -> None:
        self._nodes, self._happenings, self._rng = nodes, happenings, rng
        self._ready_at = np.full(len(nodes.names), np.inf)
        self._waiting_since = np.inf
        self.launched = 0.0
        self._launched_gpu = 0.0

    def step(self, at: float, unscheduled: int, needs_gpu: bool, knobs: Knobs) -> None:
        """Start a node when pods have waited long enough, and let those join that have booted."""
        arrived = np.flatnonzero(self._ready_at <= at)
        self._nodes.active[arrived] = True
        self._ready_at[arrived] = np.inf
        for node in arrived:
            self._nodes.say(at, int(node), "NodeReady", "status is now: NodeReady")
        there_are = bool(np.any(~self._nodes.active & (self._nodes.gpus > 0.0)))
        more_gpus = there_are and bool(knobs.gpu_nodes_wanted[0] > self._launched_gpu)
        needs_gpu = needs_gpu or more_gpus
        wanted = unscheduled > 0 or more_gpus or knobs.nodes_wanted[0] > self.launched
        if not wanted or knobs.provisioner_off[0] > 0.0 or np.isfinite(self._ready_at).any():
            self._waiting_since = np.inf if not wanted else self._waiting_since
            return
        self._waiting_since = min(self._waiting_since, at)
        spare = np.flatnonzero(~self._nodes.active & ((self._nodes.gpus > 0.0) == needs_gpu))
        if at - self._waiting_since >= BATCH and len(spare):
            self._launch(at, int(spare[0]))

    def _launch(self, at: float, node: int) -> None:
        self._ready_at[node] = at + self._rng.uniform(*BOOT)
        self._waiting_since = np.inf
        self.launched += 1.0
        self._launched_gpu += float(self._nodes.gpus[node] > 0.0)
        name = self._nodes.names[node]
        self._happenings.add(at, ("NodeClaim", "", name), "Launched", "Status condition transitioned", "karpenter")
