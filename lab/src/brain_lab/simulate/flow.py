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
from brain_lab.simulate.queueing import MOST_BUSY, attempts, capped, exponent, tail, waiting
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
_RESENT: Final = 1.2
"""Seconds that a request takes longer for each share of lost packets: retransmission timeouts of its round trips."""

_TINY: Final = 1e-9
_LEAST: Final = 1e-5
"""Share of calls that always gets through, so that nothing is divided by nothing."""


class Flow:
    """State of all queues between two ticks; ``state`` and ``edge_state`` are what is recorded of the last one."""

    def __init__(self, network: Network) -> None:
        stations, edges = len(network.names), len(network.calls)
        self._network = network
        self.backlog = np.zeros(stations)
        self.hold = network.own + network.cpu + 0.01
        self.latency = np.append(self.hold, 0.0)
        self.failing = network.errors.copy()
        self.rate = np.zeros(stations)
        self.served = np.zeros(stations)
        self.inside = np.zeros(stations)
        self.pool_cap = np.full(stations, np.inf)
        self.attempt_failing, self.attempt_lost = np.zeros(edges), np.zeros(edges)
        self.open_until = np.zeros(edges)
        self.state: dict[str, Array] = {}
        self.edge_state: dict[str, Array] = {}
        self._pooled = np.flatnonzero(network.pool < ENDLESS)
        # What is awaited is not called: a station more stands for it, which is always quick and right.
        self._callee = np.where(network.awaits, stations, network.dst)
        self._passing, self._right = np.ones(stations + 1), np.ones(stations + 1)
        self._good, self._queued = np.ones(stations), np.zeros(stations)
        self._call_seconds, self._patient, self.pool_used = np.zeros(edges), np.zeros(edges), np.zeros(edges)
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
        self._prepare_stations(own, cpu, errors, ready, knobs)
        self._prepare_edges(delays, knobs)
        for level in reversed(self._network.levels):
            self._stations_of(level, *self._edges_of(level))
        self._conclude()
        self._trip(at)
        self._note()

    def _prepare_stations(self, own: Array, cpu: Array, errors: Array, ready: Array, knobs: Knobs) -> None:
        """What the levels need and what does not depend on them: all of it in one go."""
        n = self._network
        cores = ready * n.cores * knobs.cores_times
        busy = self.rate * n.cpu * knobs.cpu_times / np.maximum(cores, _TINY)
        self._base = own + cpu * (1.0 + waiting(busy, np.maximum(cores, 1.0))) + self._disk(knobs)
        slots = np.maximum(ready * n.workers * knobs.slots_times, _TINY)
        self._use = self.rate / slots
        self._exponent, self._per_slot = exponent(np.maximum(slots, 1.0)), ~n.consumer / np.maximum(slots, 1.0)
        self._clearing = np.where(self.rate > _TINY, self.backlog / np.maximum(self.rate, _TINY), 0.0)
        self._there, self._ready, self._sound = ready > 0.0, ready, 1.0 - errors
        total = self.rate + self.limited + self.overflow
        refusing = np.where(total > _TINY, self.overflow / np.maximum(total, _TINY), ~self._there)
        self._passing[:-1] = 1.0 - refusing
        admitted = self.rate + self.limited
        self._let_in = np.where(admitted > _TINY, self.rate / np.maximum(admitted, _TINY), 1.0)

    def _prepare_edges(self, delays: Array, knobs: Knobs) -> None:
        n = self._network
        lost = knobs.net_loss[n.src] + knobs.net_loss[n.dst]
        reached = 1.0 - knobs.unreachable[n.dst]
        arriving = (1.0 - np.minimum(lost * lost, 1.0)) * (1.0 - knobs.edge_loss) * reached
        self._through = arriving * np.where(n.awaits, 1.0 - knobs.await_loss, 1.0)
        awaited = delays[n.await_group] if len(delays) else 0.0
        self._delay = knobs.edge_delay + knobs.net_delay[n.src] + knobs.net_delay[n.dst] + _RESENT * lost
        self._delay += np.where(n.awaits, awaited, 0.0)
        self._reached, self._limits = reached, n.timeout * knobs.timeout_times
        self._tries = n.retries + knobs.retries_add + 1.0
        self._calls = np.where(n.awaits, 1.0, self.asked)
        self._needed = n.critical * np.minimum(self._calls, 1.0)
        replicas = np.maximum(self._ready[n.src], 1.0)  # those that come back find their pools empty
        self._pools = np.maximum(n.pool * knobs.pool_times * replicas, _TINY)
        self._pool_exponent = exponent(np.maximum(self._pools, 1.0))
        self._per_connection = 1.0 / np.maximum(self._pools, 1.0)

    def _disk(self, knobs: Knobs) -> Array:
        """[S] seconds a query spends on disk."""
        operations = self.disk_operations(knobs)
        busy = self.rate * operations / (self._network.iops * knobs.iops_times)
        return operations * DISK_READ * (1.0 + waiting(busy, _DISK_QUEUES))

    def _edges_of(self, level: Level) -> tuple[Array, Array]:
        """Seconds held by the callees of a level's stations, and the share of requests that survives them."""
        e, i = level.edges, level.stations
        if e.stop == e.start:
            return np.zeros(len(i)), np.ones(len(i))
        src, dst, limit, closed = self._network.src[e], self._callee[e], self._limits[e], 1.0 - self._open[e]
        answer = self.latency[dst] + self._delay[e]
        arrived = (1.0 - tail(limit / answer)) * self._passing[dst] * self._through[e]
        self.attempt_lost[e] = lost = 1.0 - arrived
        given_up = lost ** self._tries[e]
        tries = attempts(lost, self._tries[e] - 1.0)
        self._patient[e] = patient = capped(answer, limit) * self._reached[e] + REFUSAL * (1.0 - self._reached[e])
        self.pool_used[e] = used = self.flow[e] * patient / self._pools[e]
        busy = np.minimum(used, MOST_BUSY)
        for_connection = busy ** self._pool_exponent[e] * self._per_connection[e] / (1.0 - busy)
        self._call_seconds[e] = seconds = closed * patient * (tries + for_connection) + (1.0 - closed) * REFUSAL
        answered = closed * (1.0 - given_up) * self._right[dst]
        survival = np.log1p(-np.minimum(self._needed[e] * (1.0 - answered), 1.0 - _LEAST))
        count = len(self._network.names)
        return summed(src, self._calls[e] * seconds, count)[i], np.exp(summed(src, survival, count)[i])

    def _stations_of(self, level: Level, held: Array, surviving: Array) -> None:
        i = level.stations
        before = self.hold[i]
        hold = np.minimum(before + _RELAXATION * (self._base[i] + held - before), LONGEST)
        busy = np.minimum(self._use[i] * hold, MOST_BUSY)
        queued = hold * busy ** self._exponent[i] * self._per_slot[i] / (1.0 - busy)
        taken = np.minimum(hold + queued + self._clearing[i], LONGEST)
        self.latency[i] = np.where(self._there[i], taken, REFUSAL)
        self._good[i] = good = self._sound[i] * surviving
        self._right[i] = self._let_in[i] * good
        self.hold[i], self._queued[i] = hold, queued

    def _conclude(self) -> None:
        """What follows for each station once all levels are known, and how much the pools let through at most."""
        n = self._network
        refused = self.limited + self.overflow
        total, failed = self.rate + refused, 1.0 - self._good
        idle = np.where(self._there, failed, 1.0)
        self.served = self.rate * self._good
        self.failing = np.where(total > _TINY, (refused + self.rate * failed) / np.maximum(total, _TINY), idle)
        self.inside = self.rate * (self.hold + self._queued) + self.backlog
        self.attempt_failing = 1.0 - (1.0 - self.attempt_lost) * self._right[self._callee]
        edges = self._pooled
        src = n.src[edges]
        per_request = self.flow[edges] / np.maximum(self.rate[src], _TINY)
        self.pool_cap = np.full(len(n.names), np.inf)
        most = self._pools[edges] / np.maximum(per_request * self._patient[edges], _TINY)
        np.minimum.at(self.pool_cap, src, most)

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
            "latency": self.latency[:-1],
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
