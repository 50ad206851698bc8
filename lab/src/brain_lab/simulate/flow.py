"""One tick of the queueing network: load goes down the call graph, latency and failures come up.

Each station has replicas with worker slots. A request holds a slot for its own time, its CPU, and all the time that
its callees take, so a slow callee fills the pools of its callers (Little's law). What cannot start waits in a bounded
queue, which is a fluid backlog; what does not fit is refused. Attempts that time out, get lost or are refused are
retried at the callee in the next tick.

The two passes are apart because CPU contention on nodes lies between them: it needs to know the load, and decides the
latency.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.platforms.traffic import DISK_READ
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import ENDLESS, Array, Level, Network, summed
from brain_lab.simulate.queueing import attempts, capped, tail, waiting
from brain_lab.simulate.recording import TICK

REFUSAL: Final = 0.002
"""Seconds it takes to be refused."""

LONGEST: Final = 60.0
"""Seconds after which somebody on the way gives up on any request."""

OPEN_SECONDS: Final = 30.0
"""How long a circuit breaker stays open: Envoy's base ejection time."""

PROBES: Final = 0.05
"""Share of calls that an open breaker lets through."""

_DISK_QUEUES: Final = np.array(8.0)
_RELAXATION: Final = 0.6
"""How much of the new holding time counts in a tick: requests that started before it are still inside."""
_TINY: Final = 1e-9


class Flow:
    """State of all queues between two ticks; ``state`` and ``edge_state`` are what is recorded of the last one."""

    def __init__(self, network: Network) -> None:
        stations, edges = len(network.names), len(network.calls)
        self._network = network
        self.backlog = np.zeros(stations)
        self.hold = network.own + network.cpu + 0.01
        self.latency = self.hold.copy()
        self.failing = network.errors.copy()
        self.rate = np.zeros(stations)
        self.served = np.zeros(stations)
        self.inside = np.zeros(stations)
        self.pool_cap = np.full(stations, np.inf)
        self.refusing, self.wrong = np.zeros(stations), network.errors.copy()
        self.attempt_failing, self.attempt_lost = np.zeros(edges), np.zeros(edges)
        self.open_until = np.zeros(edges)
        self._cpu_wait = np.zeros(stations)
        self.state: dict[str, Array] = {}
        self.edge_state: dict[str, Array] = {}
        self._pooled = network.pool < ENDLESS
        self._cached = network.cache >= 0

    def capacity(self, ready: Array, mixed: Array, knobs: Knobs) -> Array:
        """[S] requests/s that each station can finish with its replicas, as its callees answered in the tick before.

        Args:
            ready: [S] replicas.
            mixed: [S] CPU of a request as it is in this tick.
            knobs: Of this tick.
        """
        n = self._network
        slots = ready * n.workers * knobs.slots_times
        by_cpu = ready * n.cores * knobs.cores_times / np.maximum(mixed, _TINY)
        by_disk = n.iops * knobs.iops_times / np.maximum(self.disk_operations(knobs), _TINY)
        by_slots = slots / np.maximum(self.hold, _TINY)
        return np.asarray(np.minimum(np.minimum(by_slots, by_cpu), np.minimum(by_disk, self.pool_cap)))

    def disk_operations(self, knobs: Knobs) -> Array:
        """[S] disk operations of one query."""
        n = self._network
        hit = np.clip(n.hit * knobs.hit_times, 0.0, 1.0)
        return np.asarray(n.reads * knobs.reads_times * (1.0 - hit) + n.writes * knobs.writes_times)

    def down(self, load: Array, ready: Array, capacity: Array, knobs: Knobs, at: float) -> None:
        """Let the load of a tick through the graph: who gets how much, starts how much, refuses how much."""
        n = self._network
        self._open = np.where(self.open_until > at, 1.0 - PROBES, 0.0)
        retries = n.retries + knobs.retries_add
        self.asked = n.weight * knobs.calls_times * self._missed(knobs)
        per_request = self.asked * (1.0 - self._open) * attempts(self.attempt_lost, retries)
        arriving = (1.0 - knobs.unreachable)[n.dst]
        offered, admitted, rate = load.copy(), np.zeros_like(load), np.zeros_like(load)
        limit = np.minimum(n.rate_limit, knobs.rate_limit)
        flow = np.zeros(len(n.calls))
        waiting_now = self.backlog / TICK
        for level in n.levels:
            members, edges = level.stations, level.edges
            admitted[members] = np.minimum(offered[members], limit[members])
            rate[members] = np.minimum(admitted[members] + waiting_now[members], capacity[members])
            if edges.stop > edges.start:
                flow[edges] = rate[n.src[edges]] * per_request[edges]
                offered += summed(n.dst[edges], flow[edges] * arriving[edges], len(offered))
        self._settle(offered, admitted, rate, ready, knobs)
        self.flow = flow

    def _missed(self, knobs: Knobs) -> Array:
        """[E] share of calls that a cache in front does not spare."""
        n = self._network
        spared = np.clip(n.hit * knobs.hit_times, 0.0, 1.0) * (1.0 - self.failing)
        return np.where(self._cached, 1.0 - spared[n.cache], 1.0)

    def _settle(self, offered: Array, admitted: Array, rate: Array, ready: Array, knobs: Knobs) -> None:
        room = np.where(ready > 0.0, ready * self._network.queue * knobs.queue_times, 0.0)
        backlog = np.maximum(self.backlog + (admitted - rate) * TICK, 0.0)
        overflow = np.maximum(backlog - room, 0.0)
        self.offered, self.limited, self.rate = offered, offered - admitted, rate
        self.overflow = overflow / TICK
        self.backlog = backlog - overflow

    def up(self, own: Array, cpu: Array, errors: Array, ready: Array, delays: Array, knobs: Knobs, at: float) -> None:
        """Compute how long everything takes and what fails, callees first.

        Args:
            own: [S] seconds of a request in the station without CPU and callees.
            cpu: [S] seconds of its CPU, stretched by whom it shares the node with.
            errors: [S] share of requests that fail by themselves.
            ready: [S] replicas.
            delays: [K] seconds until each consumer group has worked off a new message.
            knobs: Of this tick.
            at: Seconds since the epoch.
        """
        n = self._network
        cores = np.maximum(ready * n.cores * knobs.cores_times, 1.0)
        busy = self.rate * n.cpu * knobs.cpu_times / np.maximum(ready * n.cores * knobs.cores_times, _TINY)
        self._base = own + cpu * (1.0 + waiting(busy, cores)) + self._disk(knobs)
        self._slots = np.maximum(ready * n.workers * knobs.slots_times, _TINY)
        self._errors, self._ready = errors, ready
        lost = knobs.net_loss[n.src] + knobs.net_loss[n.dst]
        self._loss = 1.0 - (1.0 - np.minimum(lost * lost, 1.0)) * (1.0 - knobs.edge_loss)
        self._delay = knobs.edge_delay + knobs.net_delay[n.src] + knobs.net_delay[n.dst] + 1.2 * lost
        self._limits = n.timeout * knobs.timeout_times
        self._pools = n.pool * knobs.pool_times
        self._unreachable = knobs.unreachable[n.dst]
        self._call_seconds, self._call_failing = np.zeros(len(n.calls)), np.zeros(len(n.calls))
        self._awaited = np.where(n.awaits, delays[n.await_group] if len(delays) else 0.0, 0.0)
        self.pool_used, self._patient = np.zeros(len(n.calls)), np.zeros(len(n.calls))
        for level in reversed(n.levels):
            held, survival = self._edges_of(level, knobs)
            self._stations_of(level, held, survival)
        self._cap_by_pools()
        self._trip(at)
        self._note()

    def _disk(self, knobs: Knobs) -> Array:
        """[S] seconds a query spends on disk."""
        operations = self.disk_operations(knobs)
        busy = self.rate * operations / (self._network.iops * knobs.iops_times)
        return operations * DISK_READ * (1.0 + waiting(busy, _DISK_QUEUES))

    def _edges_of(self, level: Level, knobs: Knobs) -> tuple[Array, Array]:
        """[S] seconds held by the callees of a level, and the logarithm of the share that survives them."""
        n, e, stations = self._network, level.edges, len(self._network.names)
        if e.stop == e.start:
            return np.zeros(stations), np.zeros(stations)
        src, dst, limit, awaits = n.src[e], n.dst[e], self._limits[e], n.awaits[e]
        answer = np.where(awaits, self._awaited[e], self.latency[dst]) + self._delay[e]
        patient = capped(answer, limit)
        refused = np.where(awaits, knobs.await_loss[e], self.refusing[dst])
        arrived = (1.0 - tail(limit / answer)) * (1.0 - refused) * (1.0 - self._loss[e]) * (1.0 - self._unreachable[e])
        wrong = np.where(awaits, 0.0, self.wrong[dst])
        self.attempt_lost[e], self.attempt_failing[e] = 1.0 - arrived, 1.0 - arrived * (1.0 - wrong)
        patient = patient * (1.0 - self._unreachable[e]) + REFUSAL * self._unreachable[e]
        retries = n.retries[e] + knobs.retries_add[e]
        patience = patient * attempts(1.0 - arrived, retries)
        failing = 1.0 - (1.0 - (1.0 - arrived) ** (retries + 1.0)) * (1.0 - wrong)
        closed = 1.0 - self._open[e]
        self._call_seconds[e] = closed * (patience + self._pool_wait(e, patient)) + (1.0 - closed) * REFUSAL
        self._call_failing[e] = closed * failing + (1.0 - closed)
        asked = np.where(awaits, 1.0, self.asked[e])
        lost = np.minimum(n.critical[e] * self._call_failing[e] * np.minimum(asked, 1.0), 0.99999)
        return (
            summed(src, asked * self._call_seconds[e], stations),
            summed(src, np.log1p(-lost), stations),
        )

    def _pool_wait(self, e: slice, patient: Array) -> Array:
        """Seconds a call waits for a connection of its caller's pool."""
        pool = np.maximum(self._pools[e] * self._ready[self._network.src[e]], _TINY)
        self._patient[e] = patient
        self.pool_used[e] = used = self.flow[e] * patient / pool
        return np.where(self._pooled[e], patient * waiting(used, np.maximum(pool, 1.0)), 0.0)

    def _cap_by_pools(self) -> None:
        """How many requests/s the pools of each station let through at most."""
        n = self._network
        edges = np.flatnonzero(self._pooled)
        src = n.src[edges]
        pool = self._pools[edges] * self._ready[src]
        per_request = self.flow[edges] / np.maximum(self.rate[src], _TINY)
        self.pool_cap = np.full(len(n.names), np.inf)
        np.minimum.at(self.pool_cap, src, pool / np.maximum(per_request * self._patient[edges], _TINY))

    def _stations_of(self, level: Level, held: Array, survival: Array) -> None:
        n, i = self._network, level.stations
        hold = self.hold[i] + _RELAXATION * (self._base[i] + held[i] - self.hold[i])
        self.hold[i] = hold = np.minimum(hold, LONGEST)
        rate, slots = self.rate[i], self._slots[i]
        queued = np.where(n.consumer[i], 0.0, hold * waiting(rate * hold / slots, np.maximum(slots, 1.0)))
        clearing = np.where(rate > _TINY, self.backlog[i] / np.maximum(rate, _TINY), 0.0)
        self.latency[i] = np.where(self._ready[i] > 0.0, np.minimum(hold + queued + clearing, LONGEST), REFUSAL)
        failed = 1.0 - (1.0 - self._errors[i]) * np.exp(survival[i])
        self.served[i] = rate * (1.0 - failed)
        refused = self.limited[i] + self.overflow[i]
        total = rate + refused
        down = np.where(self._ready[i] > 0.0, failed, 1.0)
        self.failing[i] = np.where(total > _TINY, (refused + rate * failed) / np.maximum(total, _TINY), down)
        self.refusing[i] = np.where(total > _TINY, self.overflow[i] / np.maximum(total, _TINY), down)
        self.wrong[i] = (self.failing[i] - self.refusing[i]) / np.maximum(1.0 - self.refusing[i], _TINY)
        self.inside[i] = rate * (hold + queued) + self.backlog[i]

    def _trip(self, at: float) -> None:
        """Open the breakers of edges on which too much fails."""
        n = self._network
        tripped = (self.attempt_failing > n.breaker) & (self.flow > 0.5) & (self.open_until <= at)
        self.open_until[tripped] = at + OPEN_SECONDS

    def _note(self) -> None:
        self.state = {
            "offered": self.offered,
            "limited": self.limited,
            "overflow": self.overflow,
            "rate": self.rate,
            "served": self.served,
            "latency": self.latency,
            "hold": self.hold,
            "backlog": self.backlog,
            "inside": self.inside,
            "failing": self.failing,
        }
        self.edge_state = {
            "flow": self.flow,
            "failing": self.attempt_failing,
            "seconds": self._call_seconds,
            "pool_used": self.pool_used,
            "open": self._open,
        }
