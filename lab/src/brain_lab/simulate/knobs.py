"""What a fault can turn: parameters of the model, reset to neutral before each tick.

``…_times`` multiply (neutral 1), ``…_add`` and the others add or switch on (neutral 0). Faults write into the arrays in
place, at the columns that the look-ups here return; two faults on one knob combine if both use ``*=`` and ``+=``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from brain_lab.simulate.network import Array, Index, Network


class Knobs:
    """All knobs of one run.

    Of stations, [S]:

    - ``own_times``, ``own_add``: time of a request without CPU and callees; seconds.
    - ``cpu_times``: CPU of a request. ``cores_times``: CPU limit.
    - ``load_times``: requests that come from outside. ``load_add``: further ones a second, from nobody the traces know.
    - ``errors``: share of requests that fail by themselves.
    - ``slots_times``: requests worked on at once. ``queue_times``: requests that may wait.
    - ``leak``: bytes a second that each container loses until it is restarted. ``memory_add``: bytes in each pod.
      ``memory_limit_times``: of its limit.
    - ``rate_limit``: requests/s admitted, a new value; neutral is infinity.
    - ``lock_wait``: seconds each query waits for a lock while it holds its session.
    - ``hit_times``: hit ratio of buffers or cache. ``reads_times``, ``writes_times``: I/O of a query. ``iops_times``:
      the limit.
    - ``storage_add``: bytes on its volume; a full one fails what writes.
    - ``net_delay``: seconds on every packet in and out of its pods, one way. ``net_loss``: share of lost packets.
    - ``unreachable``: share of calls to it that fail at once: refused, no such name, bad certificate, denied.
      ``expired``: 1: the certificate of its sidecars is no longer valid; only shown, what it does is ``unreachable``.
    - ``crash``: 1: containers exit right after their start. ``not_ready``: share of ready pods that fail their probe.
    - ``image_missing``: 1: new pods cannot pull their image.
    - ``revision``: a number other than before starts a rolling update; ``new_errors``, ``new_own_times``,
      ``new_cpu_times``, ``new_cores_times``, ``new_memory_add``, ``new_crash``, ``new_image_missing`` hold for pods of
      that revision. ``request_times``: of the CPU request of pods that come into being.
    - ``scaler_max_times``: of the autoscaler's maximum. ``scaler_off``: 1: it no longer acts. ``replicas_add``: it
      wants so many more.
    - ``log_times``: lines it logs; costs CPU of its requests and disk of its nodes.
    - ``flagged``: share of its requests that raise an alert of compliance.
    - ``nat_bytes``: bytes of a request that leave through a NAT gateway, beside the usual ones.
    - ``restart``: another number: the container is restarted once. ``replace``: another number: all its pods are
      deleted and created anew, all at once.

    Of edges, [E]: ``edge_delay`` seconds, ``edge_loss`` share of failed attempts, ``calls_times``, ``timeout_times``,
    ``retries_add``, ``pool_times``, ``await_loss`` (share of messages whose answer never comes).

    Of nodes, [N]: ``node_cpu`` cores, ``node_memory`` bytes, ``node_disk`` bytes and ``node_io`` busy share used by
    what is no pod; ``node_gone`` 1: its kubelet is silent; ``node_cordon`` 1: takes no new pods; ``gpu_lost`` GPUs
    that are not allocatable. What happens once, when it becomes 1: ``node_drain``: its pods are evicted;
    ``node_terminate``: its instance is taken away, pods and all; Karpenter may start another one in its place.

    Of consumer groups, [K]: ``produce_add`` messages/s, ``stalled`` share of partitions nobody reads,
    ``consumers_times`` their speed.

    Of the cluster: ``provisioner_off`` 1: Karpenter starts no nodes; ``nodes_wanted`` that many more than needed,
    ``gpu_nodes_wanted`` likewise with GPUs.
    Of the fleets: ``silent`` share of devices that do not report.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._station = {name: n for n, name in enumerate(network.names)}
        self._node = {node.name: n for n, node in enumerate(network.platform.nodes)}
        stations, edges = len(network.names), len(network.calls)
        nodes, groups = len(network.platform.nodes), len(network.group_topic)
        self.own_times = np.ones(stations)
        self.own_add = np.zeros(stations)
        self.cpu_times = np.ones(stations)
        self.cores_times = np.ones(stations)
        self.load_times = np.ones(stations)
        self.load_add = np.zeros(stations)
        self.errors = np.zeros(stations)
        self.slots_times = np.ones(stations)
        self.queue_times = np.ones(stations)
        self.leak = np.zeros(stations)
        self.memory_add = np.zeros(stations)
        self.memory_limit_times = np.ones(stations)
        self.rate_limit = np.full(stations, np.inf)
        self.lock_wait = np.zeros(stations)
        self.hit_times = np.ones(stations)
        self.reads_times = np.ones(stations)
        self.writes_times = np.ones(stations)
        self.iops_times = np.ones(stations)
        self.storage_add = np.zeros(stations)
        self.net_delay = np.zeros(stations)
        self.net_loss = np.zeros(stations)
        self.unreachable = np.zeros(stations)
        self.expired = np.zeros(stations)
        self.crash = np.zeros(stations)
        self.not_ready = np.zeros(stations)
        self.image_missing = np.zeros(stations)
        self.revision = np.zeros(stations)
        self.new_errors = np.zeros(stations)
        self.new_own_times = np.ones(stations)
        self.new_cpu_times = np.ones(stations)
        self.new_cores_times = np.ones(stations)
        self.new_memory_add = np.zeros(stations)
        self.new_crash = np.zeros(stations)
        self.new_image_missing = np.zeros(stations)
        self.scaler_max_times = np.ones(stations)
        self.scaler_off = np.zeros(stations)
        self.replicas_add = np.zeros(stations)
        self.request_times = np.ones(stations)
        self.log_times = np.ones(stations)
        self.flagged = np.zeros(stations)
        self.nat_bytes = np.zeros(stations)
        self.restart = np.zeros(stations)
        self.replace = np.zeros(stations)
        self.edge_delay = np.zeros(edges)
        self.edge_loss = np.zeros(edges)
        self.calls_times = np.ones(edges)
        self.timeout_times = np.ones(edges)
        self.retries_add = np.zeros(edges)
        self.pool_times = np.ones(edges)
        self.await_loss = np.zeros(edges)
        self.node_cpu = np.zeros(nodes)
        self.node_memory = np.zeros(nodes)
        self.node_disk = np.zeros(nodes)
        self.node_io = np.zeros(nodes)
        self.node_gone = np.zeros(nodes)
        self.node_cordon = np.zeros(nodes)
        self.node_drain = np.zeros(nodes)
        self.node_terminate = np.zeros(nodes)
        self.gpu_lost = np.zeros(nodes)
        self.produce_add = np.zeros(groups)
        self.stalled = np.zeros(groups)
        self.consumers_times = np.ones(groups)
        self.provisioner_off = np.zeros(1)
        self.nodes_wanted = np.zeros(1)
        self.gpu_nodes_wanted = np.zeros(1)
        self.silent = np.zeros(max(len(network.platform.fleets), 1))
        arrays: Mapping[str, Array] = {
            name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        self._neutral = [(array, array.copy()) for array in arrays.values()]

    def reset(self) -> None:
        """Everything neutral again."""
        for array, neutral in self._neutral:
            array[:] = neutral

    def station(self, name: str) -> int:
        """Column of a service, database, cache or external API.

        Raises:
            KeyError: There is none of that name.
        """
        return self._station[name]

    def node(self, name: str) -> int:
        """Column of a node.

        Raises:
            KeyError: There is none of that name.
        """
        return self._node[name]

    def group(self, consumer: str) -> int:
        """Column of the consumer group of that service.

        Raises:
            KeyError: The service consumes nothing.
        """
        found = np.flatnonzero(self._network.group_station == self._station[consumer])
        if not len(found):
            raise KeyError(consumer)
        return int(found[0])

    def edges_into(self, name: str) -> Index:
        """Columns of the edges by which a station is called."""
        return np.flatnonzero((self._network.dst == self._station[name]) & ~self._network.awaits)

    def edges_from(self, name: str) -> Index:
        """Columns of the edges over which a station calls."""
        return np.flatnonzero(self._network.src == self._station[name])

    def edges_between(self, caller: str, callee: str) -> Index:
        """Columns of the edges from one station to another: none or one."""
        return np.flatnonzero(
            (self._network.src == self._station[caller]) & (self._network.dst == self._station[callee])
        )
