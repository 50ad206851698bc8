"""The loop: one tick after another, each part of the world in its order.

Randomness is drawn from one generator per concern, so that a further concern changes none of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from brain_lab.emit.records import NANOS
from brain_lab.platforms.model import Platform
from brain_lab.simulate.contention import Contention, logging
from brain_lab.simulate.decoys import decoys_for
from brain_lab.simulate.flow import Flow
from brain_lab.simulate.happenings import Happenings
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.load import incoming, service_times
from brain_lab.simulate.memory import Memory
from brain_lab.simulate.network import Array, compiled
from brain_lab.simulate.nodes import Nodes
from brain_lab.simulate.pods import Phase, Pods
from brain_lab.simulate.provisioner import Provisioner
from brain_lab.simulate.recorder import Recorder
from brain_lab.simulate.recording import TICK, Pod, Recording
from brain_lab.simulate.scalers import Scalers
from brain_lab.simulate.streams import Streams
from brain_lab.simulate.transfer import transferred

if TYPE_CHECKING:
    from brain_lab.faults.protocol import Fault

WARM_UP: Final = 300.0
"""Seconds played before the first row, so that queues and scalers have settled."""

STATION_STATES: Final = {
    "offered": "requests/s that arrive",
    "limited": "requests/s refused by the rate limit of the sidecar: 429",
    "overflow": "requests/s refused because the queue is full or nobody is there: 503",
    "rate": "requests/s worked on to their end, well or not",
    "served": "requests/s answered well",
    "latency": "mean seconds from arrival to answer at the station",
    "hold": "mean seconds a request holds a slot",
    "backlog": "requests that wait because there are more than can be worked on",
    "inside": "requests inside, waiting ones included",
    "failing": "share of arriving requests that fail, refused ones included",
    "cpu": "cores in use",
    "throttled": "share of CPU periods in which a container was throttled",
    "ready": "replicas that serve",
    "wanted": "replicas that are asked for",
    "most": "replicas that the autoscaler may ask for",
    "new": "share of replicas on the newest revision of a rollout",
    "disk": "disk operations/s",
    "storage": "bytes on the volume",
    "logs": "lines of log per second",
    "hit": "hit ratio of buffers or cache",
    "net_loss": "share of packets lost at its pods",
    "expired": "1 while the certificate of its sidecars is no longer valid",
    "flagged": "alerts of compliance/s that its requests raise",
}
"""What is recorded of stations; [T, S] each."""

_CONCERNS: Final = ("load", "service time", "memory", "names", "nodes", "decoys")
"""Each has a generator of its own; add new ones at the end, and the others stay as they are."""

_GROUPS: Final = ("stations", "edges", "pods", "nodes", "topics", "fleets", "cluster")
_NO_VOLUME: Final = 1e17
"""Bytes from which on a volume stands for none."""

_FILLED: Final = 0.55
"""Share of a volume in use before anything happens."""

_FULL: Final = 0.998
_FAILING_WHEN_FULL: Final = 0.9


def run(
    platform: Platform,
    fault: Fault | Sequence[Fault] | None,
    start: float,
    seconds: float,
    seed: int,
    *,
    decoys: bool = True,
) -> Recording:
    """Play a platform.

    Args:
        platform: What to play.
        fault: What breaks; None for nothing, several for a combination.
        start: Seconds since the epoch; the time of day decides the load.
        seconds: How long; rounded down to a tick.
        seed: The same seed gives the same recording, bit by bit.
        decoys: Whether harmless deviations and changes happen, too.
    """
    faults = [] if fault is None else list(fault) if isinstance(fault, Sequence) else [fault]
    return _Run(platform, faults, start, int(seconds // TICK), seed, decoys=decoys).play()


class _Run:
    """Everything that one run needs."""

    def __init__(
        self, platform: Platform, faults: list[Fault], start: float, rows: int, seed: int, *, decoys: bool
    ) -> None:
        self._platform, self._faults, self._rows, self._seed = platform, faults, rows, seed
        self._warm = int(WARM_UP / TICK)
        self._times: Array = start + (np.arange(rows + self._warm, dtype=np.float64) - self._warm + 1.0) * TICK
        self._network = network = compiled(platform)
        draws = dict(zip(_CONCERNS, np.random.SeedSequence(seed).spawn(len(_CONCERNS)), strict=True))
        rng = {concern: np.random.default_rng(sequence) for concern, sequence in draws.items()}
        self._load = incoming(network, self._times, rng["load"])
        self._noise = service_times(network, len(self._times), rng["service time"])
        self._happenings = Happenings()
        self._nodes = Nodes(network, self._happenings)
        self._pods = Pods(network, self._nodes, self._happenings, rng["names"], float(self._times[0]))
        self._memory = Memory(platform.services, self._pods.service, rng["memory"])
        self._contention = Contention(network, self._nodes, self._pods)
        self._provisioner = Provisioner(self._nodes, self._happenings, rng["nodes"])
        self._scalers = Scalers(network, self._happenings)
        self._streams, self._flow, self._knobs = Streams(network), Flow(network), Knobs(network)
        self._effects: list[Fault] = list(faults)
        if decoys:
            self._effects += decoys_for(platform, start, rows * TICK, faults, rng["decoys"])
        self._count = len(platform.services)
        self._ready, self._new = network.replicas.copy(), np.zeros(len(network.names))
        self._stored = np.where(network.storage < _NO_VOLUME, _FILLED * network.storage, 0.0)
        self._recorder = Recorder(rows)

    def play(self) -> Recording:
        for number, at in enumerate(self._times.tolist()):
            self._tick(number - self._warm, number, at)
        return self._recording()

    def _tick(self, tick: int, number: int, at: float) -> None:
        knobs, flow = self._knobs, self._flow
        knobs.reset()
        for effect in self._effects:
            effect.apply(at, knobs)
        self._stand(max(tick, 0), number, at)
        knobs.cores_times *= 1.0 + self._new * (knobs.new_cores_times - 1.0)
        cpu = self._network.cpu * knobs.cpu_times * (1.0 + self._new * (knobs.new_cpu_times - 1.0))
        cpu = cpu + logging(knobs)
        working = self._working()
        capacity = flow.capacity(working, cpu, knobs)
        taken = self._streams.step(flow.served, capacity, knobs)
        load = self._load[number] * knobs.load_times * self._reporting() + knobs.load_add + taken
        flow.down(load, working, capacity, knobs, at)
        self._contention.step(flow.rate, cpu, self._ready[: self._count], knobs)
        own, cpu_seconds = self._seconds(number, cpu)
        flow.up(own, cpu_seconds, self._errors(), working, self._streams.delays, knobs, at)
        self._remember(at)
        if tick >= 0:
            self._write(tick, cpu)

    def _seconds(self, number: int, cpu: Array) -> tuple[Array, Array]:
        """[S] time of a request in a station without callees: what is no CPU, and what is."""
        knobs, felt, noise = self._knobs, self._contention, self._noise[number]
        worse = 1.0 + self._new * (knobs.new_own_times - 1.0)
        own = self._network.own * knobs.own_times * worse * felt.disk * noise
        return own + knobs.own_add + knobs.lock_wait, cpu * felt.cpu * noise

    def _stand(self, tick: int, number: int, at: float) -> None:
        """Scale, schedule and start pods."""
        knobs, count = self._knobs, self._count
        wanted = self._scalers.step(number, at, self._ready[:count], self._streams.lag, knobs)
        self._nodes.breathe(at, knobs)
        self._pods.step(tick, at, wanted, knobs)
        self._provisioner.step(at, self._pods.unscheduled, self._pods.wants_gpu, knobs)
        self._ready[:count] = self._pods.ready
        self._new[:count] = self._pods.share_new

    def _working(self) -> Array:
        """[S] replicas, of consumers no more than partitions."""
        ready = self._ready.copy()
        groups = self._network.group_station
        ready[groups] = np.minimum(ready[groups], self._network.partitions)
        return ready

    def _reporting(self) -> Array:
        """[S] share of the devices behind a station that report."""
        share = np.ones(len(self._network.names))
        for n, fleet in enumerate(self._platform.fleets):
            share[self._knobs.station(fleet.gateway)] *= 1.0 - self._knobs.silent[n]
        return share

    def _errors(self) -> Array:
        """[S] share of requests that fail by themselves."""
        knobs, network = self._knobs, self._network
        self._bytes = np.minimum(self._stored + knobs.storage_add, network.storage)
        full = (self._stored > 0.0) & (self._bytes >= _FULL * network.storage)
        sound = (1.0 - network.errors) * (1.0 - knobs.errors) * (1.0 - self._new * knobs.new_errors)
        sound = sound * (1.0 - self._contention.silent) * (1.0 - _FAILING_WHEN_FULL * full)
        return np.asarray(1.0 - np.clip(sound, 0.0, 1.0))

    def _remember(self, at: float) -> None:
        """What the next tick needs to know of this one."""
        pods, knobs, count = self._pods, self._knobs, self._count
        ready = pods.phase == Phase.READY
        pods.leaked += knobs.leak[pods.service] * ready * TICK
        new = np.where(pods.revision > 0.0, knobs.new_memory_add[pods.service], 0.0)
        added = (knobs.memory_add[pods.service] + new + pods.leaked) * ready
        alive = ready | (pods.phase == Phase.STARTING)
        pods.memory = self._memory.of(at, self._flow.inside[:count], self._ready[:count], added, alive)
        self._scalers.see(self._contention.serving, self._ready[:count])

    def _write(self, tick: int, cpu: Array) -> None:
        flow, streams = self._flow, self._streams
        self._recorder.put("stations", tick, flow.state | self._extra(cpu))
        self._recorder.put("edges", tick, flow.edge_state)
        self._recorder.put("pods", tick, self._pods.states())
        self._recorder.put("nodes", tick, self._nodes.states() | {"gpu_lost": self._knobs.gpu_lost})
        topics = {"lag": streams.lag, "coming": streams.coming, "taken": streams.taken, "delay": streams.delays}
        self._recorder.put("topics", tick, topics)
        self._recorder.put("fleets", tick, {"silent": self._knobs.silent[: len(self._platform.fleets)]})
        cluster = {"unscheduled": self._pods.unscheduled, "launched": self._provisioner.launched}
        self._recorder.put("cluster", tick, {name: np.array([float(value)]) for name, value in cluster.items()})
        self._recorder.put("cluster", tick, transferred(flow.offered, flow.rate, self._knobs))

    def _extra(self, cpu: Array) -> dict[str, Array]:
        network, knobs, flow, count = self._network, self._knobs, self._flow, self._count
        cores = flow.rate * cpu
        cores[:count] = self._contention.cores
        most = self._scalers.most * knobs.scaler_max_times[:count]
        wanted, limit = self._ready.copy(), np.full(len(cores), 0.0)
        wanted[:count], limit[:count] = self._scalers.wanted, most
        used = cores / np.maximum(self._ready * network.cores * knobs.cores_times, 1e-9)
        return {
            "cpu": cores,
            "throttled": np.clip((used - 0.6) / 0.4, 0.0, 1.0) ** 2 * network.podded,
            "ready": self._ready,
            "wanted": wanted,
            "most": limit,
            "new": self._new,
            "disk": flow.rate * flow.disk_operations(knobs),
            "storage": self._bytes,
            "logs": self._contention.logs,
            "hit": np.clip(network.hit * knobs.hit_times, 0.0, 1.0),
            "net_loss": knobs.net_loss,
            "expired": knobs.expired,
            "flagged": flow.rate * knobs.flagged,
        }

    def _recording(self) -> Recording:
        first, last = (float(self._times[self._warm]) - TICK) * NANOS, float(self._times[-1]) * NANOS
        happened = [event for effect in self._effects for event in effect.events]
        changes = sorted((c for effect in self._effects for c in effect.changes), key=lambda c: c.start)
        events = sorted([*self._happenings.all, *happened], key=lambda event: event.last)
        calls = sorted((call for effect in self._effects for call in effect.aws_calls), key=lambda call: call.time)
        truths = [fault.truth for fault in self._faults]
        group_names = [self._network.names[n] for n in self._network.group_station]
        return Recording(
            platform=self._platform,
            seed=self._seed,
            times=self._times[self._warm :],
            **{name: self._recorder.states(name) for name in _GROUPS},
            calls=self._network.calls,
            groups=tuple(zip(self._network.group_topic, group_names, strict=True)),
            pod_list=tuple(self._finished(pod) for pod in self._pods.pods),
            events=tuple(event for event in events if first <= event.last <= last),
            changes=tuple(change for change in changes if change.start <= last),
            aws_calls=tuple(call for call in calls if call.time <= last),
            truth=tuple(truth for truth in truths if truth is not None),
        )

    def _finished(self, pod: Pod) -> Pod:
        return pod if pod.last >= 0 else replace(pod, last=self._rows)
