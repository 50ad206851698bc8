"""What pods ask of their nodes, and what services feel of their neighbours there.

Between the two passes of the flow: the load is known, the latency is not yet.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import Array, Index, Network, summed
from brain_lab.simulate.nodes import Nodes
from brain_lab.simulate.pods import Phase, Pods

IDLE_CORES: Final = 0.008
"""Of a container that has nothing to do."""

LINES: Final = 2.0
"""Of log for each request."""

_STARTING: Final = {"java": 0.8, "dotnet": 0.5}
_STARTING_ELSE: Final = 0.2
"""Share of its CPU limit that a container uses while it starts."""

LOG_CORES: Final = 0.00002
"""CPU seconds of a line of log beyond the usual ones, which are part of a request."""

LOG_IO: Final = 4e-6
"""Busy seconds of a node's disk for a line of log."""


def logging(knobs: Knobs) -> Array:
    """[S] CPU seconds that a request needs more because it logs more than usual."""
    return np.asarray(np.maximum(knobs.log_times - 1.0, 0.0) * LINES * LOG_CORES)


class Contention:
    """Results of a tick: ``cores`` and ``serving`` [services], ``logs``, ``cpu``, ``disk`` and ``silent`` [S].

    ``cores`` are in use by all containers and ``serving`` by the ready ones; ``logs`` are lines/s; ``cpu`` and
    ``disk`` are factors by which work takes longer, ``silent`` is the share of replicas on nodes that do not answer.
    """

    def __init__(self, network: Network, nodes: Nodes, pods: Pods) -> None:
        services = network.platform.services
        self._network, self._nodes, self._pods = network, nodes, pods
        self._limit = np.array([service.cpu_limit for service in services])
        burst = [_STARTING.get(service.language, _STARTING_ELSE) * service.cpu_limit for service in services]
        self._burst = np.array(burst)[pods.service]

    def step(self, rate: Array, cpu: Array, replicas: Array, knobs: Knobs) -> None:
        """Share out cores and disks.

        Args:
            rate: [S] requests/s worked on.
            cpu: [S] CPU seconds of a request, logging included.
            replicas: [services] that serve.
            knobs: Of this tick.
        """
        pods, count = self._pods, len(self._network.platform.services)
        ready, starting = pods.phase == Phase.READY, pods.phase == Phase.STARTING
        per_pod = 1.0 / np.maximum(replicas, 1.0)
        self.logs = rate * LINES * knobs.log_times
        work = np.minimum((rate * cpu)[:count] * per_pod, self._limit * knobs.cores_times[:count])
        demand = work[pods.service] * ready + self._burst * starting + IDLE_CORES * (ready | starting)
        io = (self.logs[:count] * LOG_IO * per_pod)[pods.service] * ready
        self.cores = summed(pods.service, demand, count)
        self.serving = summed(pods.service, demand * ready, count)
        here = np.flatnonzero(pods.node >= 0)
        stretch = self._nodes.contend(pods.node[here], demand[here], pods.memory[here], io[here], knobs)
        silent = ((knobs.node_gone > 0.0) & self._nodes.ready).astype(np.float64)
        serving = np.flatnonzero(ready)
        self.cpu, self.disk = (self._felt(serving, factor, 1.0) for factor in stretch)
        self.silent = self._felt(serving, silent, 0.0)

    def _felt(self, pods: Index, of_nodes: Array, neutral: float) -> Array:
        """[S] mean over the nodes of a station's pods; neutral for what has none."""
        services = self._pods.service[pods]
        count = len(self._network.platform.services)
        found = np.full(len(self._network.names), neutral)
        number = np.bincount(services, minlength=count)
        sums = summed(services, of_nodes[self._pods.node[pods]], count)
        found[:count] = np.where(number > 0, sums / np.maximum(number, 1), neutral)
        return found
