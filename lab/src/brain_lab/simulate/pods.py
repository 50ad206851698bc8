"""The life of pods: pending, starting, ready, killed and restarted with back-off, replaced by a rollout, evicted.

A service has a fixed number of slots, each of which holds one pod at a time or none. A scaler asks for the first so
many slots.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Final

import numpy as np

from brain_lab.platforms.model import Service
from brain_lab.simulate.happenings import Happenings
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.names import pod_name
from brain_lab.simulate.network import Array, Index, Mask, Network
from brain_lab.simulate.nodes import Nodes
from brain_lab.simulate.recording import TICK, Pod

FIRST_BACKOFF: Final = 10.0
LONGEST_BACKOFF: Final = 300.0
FORGIVEN_AFTER: Final = 600.0
"""Seconds: the kubelet's back-off doubles from the first to the longest, and is forgotten after so long a run."""

EVICT_EVERY: Final = 20.0
"""Seconds between two evictions from a node under pressure."""

PULLS_EVERY: Final = 60.0
"""Seconds between two attempts to pull an image that is not there."""

CRASHES_AFTER: Final = 4.0
"""Seconds that a container lives that exits right after its start."""


class Phase(IntEnum):
    """Of a slot."""

    ABSENT = 0
    PENDING = 1
    STARTING = 2
    READY = 3
    BACKOFF = 4
    NO_IMAGE = 5


class Reason(IntEnum):
    """Why a container last ended."""

    NONE = 0
    OOM_KILLED = 1
    ERROR = 2


class Pods:
    """All slots of all services, as columns."""

    def __init__(
        self, network: Network, nodes: Nodes, happenings: Happenings, rng: np.random.Generator, at: float
    ) -> None:
        services = network.platform.services
        self.services = services
        self.nodes = nodes
        self._happenings, self._rng = happenings, rng
        slots = [(n, k) for n, service in enumerate(services) for k in range(service.most_replicas)]
        self.service: Index = np.array([n for n, _ in slots], dtype=np.int64)
        self.number: Index = np.array([k for _, k in slots], dtype=np.int64)
        self.first: Index = np.searchsorted(self.service, np.arange(len(services) + 1)).astype(np.int64)
        count = len(slots)
        self.phase: Index = np.zeros(count, dtype=np.int64)
        self.node: Index = np.full(count, -1, dtype=np.int64)
        self.until = np.zeros(count)
        self.since = np.full(count, at - 86400.0)
        self.restarts = np.zeros(count)
        self.recent = np.zeros(count)
        self.reason: Index = np.zeros(count, dtype=np.int64)
        self.revision = np.zeros(count)
        self.memory = np.zeros(count)
        self._limit = self._of([service.memory_limit for service in services])
        self._start = self._of([service.start_seconds for service in services])
        requests = np.array([(s.cpu_request, s.memory_request, float(s.gpus)) for s in services])
        self._requests = requests[self.service]
        self._usual_request, self._request_times = requests[:, 0], np.ones(len(services))
        self._target = np.zeros(len(services))
        self._rolling: Mask = np.zeros(len(services), dtype=np.bool_)
        self.leaked = np.zeros(count)
        self._restart_word, self._replace_word = np.zeros(len(services)), np.zeros(len(services))
        self._evicted_at = np.zeros(len(nodes.names))
        self._gpu_lost = np.zeros(len(nodes.names))
        self._cordoned: Mask = np.zeros(len(nodes.names), dtype=np.bool_)
        self.pods: list[Pod] = []
        self._current: list[int] = [-1] * count
        self.unscheduled = 0
        self.wants_gpu = False
        self._populate(at)

    def _of(self, values: list[float]) -> Array:
        return np.array(values, dtype=np.float64)[self.service]

    def _populate(self, at: float) -> None:
        for slot in np.flatnonzero(self.number < np.array([s.replicas for s in self.services])[self.service]):
            self._appear(int(slot), 0, at)
        self._schedule(at, quiet=True)
        self.phase[self.phase == Phase.STARTING] = Phase.READY
        self.since[:] = at - self._rng.uniform(3600.0, 10 * 86400.0, len(self.since))

    def step(self, tick: int, at: float, wanted: Array, knobs: Knobs) -> None:
        """Move every pod on by a tick.

        Args:
            tick: Number of the row.
            at: Seconds since the epoch.
            wanted: [services] replicas that are asked for.
            knobs: Of this tick.
        """
        self._gpu_lost, self._cordoned = knobs.gpu_lost, knobs.node_cordon > 0.0
        self._request_times = knobs.request_times
        rolling = self._roll(tick, at, knobs)
        asked = np.minimum(wanted + rolling, np.diff(self.first))[self.service]
        self._fill(tick, at, asked)
        self._renew(tick, at, knobs)
        self._evict(tick, at)
        self._abandon(tick, at)
        self._schedule(at)
        self._restart(at)
        self._start_up(at, knobs)
        self._kill(at, knobs)
        ready = self.phase == Phase.READY
        serving = ready & self.nodes.ready[self.node]
        self.ready = np.bincount(self.service, serving, len(self.services)) * (
            1.0 - knobs.not_ready[: len(self.services)]
        )
        new = np.bincount(self.service, serving & (self.revision > 0.0), len(self.services))
        self.share_new = new / np.maximum(np.bincount(self.service, serving, len(self.services)), 1.0)

    def _fill(self, tick: int, at: float, asked: Array) -> None:
        missing = (self.phase == Phase.ABSENT) & (self.number < asked)
        for slot in np.flatnonzero(missing):
            self._appear(int(slot), tick, at)
        for slot in np.flatnonzero((self.phase != Phase.ABSENT) & (self.number >= asked)):
            self._vanish(int(slot), tick)

    def _appear(self, slot: int, tick: int, at: float) -> None:
        service = self.services[self.service[slot]]
        self.revision[slot] = self._target[self.service[slot]]
        self.phase[slot], self.node[slot], self.since[slot] = Phase.PENDING, -1, at
        self.restarts[slot], self.recent[slot], self.reason[slot] = 0.0, 0.0, Reason.NONE
        self.leaked[slot] = 0.0
        own = self.service[slot]
        self._requests[slot, 0] = self._usual_request[own] * self._request_times[own]
        name = pod_name(service.name, service.role, int(self.revision[slot]), self._rng)
        self._current[slot] = len(self.pods)
        self.pods.append(Pod(name, service.name, slot, "", tick, -1))

    def _vanish(self, slot: int, tick: int) -> None:
        number = self._current[slot]
        self.pods[number] = replace(self.pods[number], last=tick)
        self.phase[slot], self.node[slot] = Phase.ABSENT, -1

    def _roll(self, tick: int, at: float, knobs: Knobs) -> Array:
        """Rolling updates with a surge of one: replace an old pod whenever all new ones are ready."""
        count = len(self.services)
        self._target = knobs.revision[:count].copy()
        present = self.phase != Phase.ABSENT
        old = present & (self.revision != self._target[self.service])
        unready = np.bincount(self.service, present & (self.phase != Phase.READY), count) > 0
        started = np.bincount(self.service, old, count) > 0
        self._rolling = rolling = started | (self._rolling & unready)
        for service in np.flatnonzero(started):
            slots = np.arange(self.first[service], self.first[service + 1])
            slots = slots[present[slots]]
            new = slots[~old[slots]]
            surged = len(new) > 0 or len(slots) == self.first[service + 1] - self.first[service]
            if surged and bool(np.all(self.phase[new] == Phase.READY)):
                victim = int(slots[old[slots]][0])
                self._vanish(victim, tick)
                self._appear(victim, tick, at)
        return rolling.astype(np.float64)

    def _renew(self, tick: int, at: float, knobs: Knobs) -> None:
        """Delete the pods of nodes that are emptied, and of services all of whose pods are to be new."""
        words = knobs.replace[: len(self.services)]
        replaced = words != self._replace_word
        self._replace_word = words.copy()
        if not (replaced.any() or self.nodes.emptied.any()):
            return
        moving = (self.node >= 0) & self.nodes.emptied[self.node]
        for slot in np.flatnonzero(moving):
            self._say(at, int(slot), "Evicted", "Evicted pod", component="karpenter")
        for slot in np.flatnonzero(moving | (replaced[self.service] & (self.phase != Phase.ABSENT))):
            self._vanish(int(slot), tick)
            self._appear(int(slot), tick, at)

    def _evict(self, tick: int, at: float) -> None:
        for node in np.flatnonzero(
            (self.nodes.pressure | self.nodes.disk_pressure) & (self._evicted_at + EVICT_EVERY < at)
        ):
            here = np.flatnonzero((self.node == node) & (self.phase >= Phase.STARTING))
            if len(here):
                slot = int(here[np.argmax(self.memory[here])])
                resource = "memory" if self.nodes.pressure[node] else "ephemeral-storage"
                self._say(at, slot, "Evicted", f"The node was low on resource: {resource}.", warning=True)
                self._vanish(slot, tick)
                self._appear(slot, tick, at)
                self._evicted_at[node] = at

    def _abandon(self, tick: int, at: float) -> None:
        """Make up elsewhere for pods of nodes that have been silent for too long."""
        if self.nodes.lost.any():
            for slot in np.flatnonzero((self.node >= 0) & self.nodes.lost[self.node]):
                self._vanish(int(slot), tick)
                self._appear(int(slot), tick, at)

    def _schedule(self, at: float, *, quiet: bool = False) -> None:
        pending = np.flatnonzero(self.phase == Phase.PENDING)
        self.unscheduled, self.wants_gpu = 0, False
        if not len(pending):
            return
        free = self._free()
        for slot in pending.tolist():
            need = self._requests[slot]
            fits = np.all(free >= need, axis=1) & ((need[2] > 0.0) | (self.nodes.gpus == 0.0))
            if not fits.any():
                self.unscheduled += 1
                self.wants_gpu = self.wants_gpu or need[2] > 0.0
                if at - self.since[slot] >= 30.0 * self.recent[slot]:
                    self.recent[slot] += 1.0
                    self._say(at, slot, "FailedScheduling", _no_room(free, need), warning=True, component="scheduler")
                continue
            share = np.where(fits, free[:, 0] / self.nodes.cores, -1.0)
            self._place(slot, int(np.argmax(share)), at)
            free[self.node[slot]] -= need
            if not quiet:
                where = self.nodes.names[self.node[slot]]
                self._say(at, slot, "Scheduled", f"Successfully assigned to {where}", component="scheduler")

    def _free(self) -> Array:
        """[N, 3] cores, bytes and GPUs that nobody has asked for; nothing on nodes that take no pods."""
        nodes = self.nodes
        held = np.flatnonzero(self.node >= 0)
        used = np.zeros((len(nodes.names), 3))
        np.add.at(used, self.node[held], self._requests[held])
        free = np.stack([nodes.cores * 0.94, nodes.capacity * 0.92, nodes.gpus - self._gpu_lost], axis=1) - used
        free[~(nodes.ready & ~nodes.pressure & ~nodes.disk_pressure & ~self._cordoned)] = -1.0
        return free

    def _place(self, slot: int, node: int, at: float) -> None:
        self.node[slot], self.phase[slot] = node, Phase.STARTING
        self.recent[slot] = 0.0
        self.until[slot] = at + self._start[slot]
        number = self._current[slot]
        self.pods[number] = replace(self.pods[number], node=self.nodes.names[node])

    def _restart(self, at: float) -> None:
        back = (self.phase == Phase.BACKOFF) & (self.until <= at)
        self.phase[back] = Phase.STARTING
        self.until[back] = at + self._start[back]

    def _start_up(self, at: float, knobs: Knobs) -> None:
        new = self.revision > 0.0
        crash = np.maximum(knobs.crash[self.service], np.where(new, knobs.new_crash[self.service], 0.0)) > 0.0
        starting = self.phase == Phase.STARTING
        no_image = np.maximum(
            knobs.image_missing[self.service], np.where(new, knobs.new_image_missing[self.service], 0.0)
        )
        fresh = starting & (no_image > 0.0) & (self.restarts == 0.0)
        for slot in np.flatnonzero(fresh):
            self._say(at, int(slot), "Failed", "Failed to pull image: not found", warning=True)
        self.phase[fresh] = Phase.NO_IMAGE
        again = (self.phase == Phase.NO_IMAGE) & ((at - self.since) % PULLS_EVERY < TICK) & ~fresh
        for slot in np.flatnonzero(again):
            self._say(at, int(slot), "BackOff", "Back-off pulling image", warning=True)
        pulled = (self.phase == Phase.NO_IMAGE) & (no_image == 0.0)
        self.phase[pulled], self.until[pulled] = Phase.STARTING, at + self._start[pulled]
        for slot in np.flatnonzero(starting & crash & (self.until - self._start + CRASHES_AFTER <= at)):
            self._end(int(slot), at, Reason.ERROR)
        done = (self.phase == Phase.STARTING) & (self.until <= at)
        self.phase[done], self.since[done] = Phase.READY, at

    def _kill(self, at: float, knobs: Knobs) -> None:
        ready = self.phase == Phase.READY
        over = ready & (self.memory > self._limit * knobs.memory_limit_times[self.service])
        for slot in np.flatnonzero(over):
            self._end(int(slot), at, Reason.OOM_KILLED)
        crash = ready & (knobs.crash[self.service] > 0.0)
        for slot in np.flatnonzero(crash):
            self._end(int(slot), at, Reason.ERROR)
        words = knobs.restart[: len(self.services)]
        for service in np.flatnonzero(words != self._restart_word):
            for slot in np.flatnonzero(ready & (self.service == service)):
                self._end(int(slot), at, Reason.ERROR)
        self._restart_word = words.copy()

    def _end(self, slot: int, at: float, reason: Reason) -> None:
        """A container ended: it is started again after the back-off."""
        if at - self.since[slot] > FORGIVEN_AFTER:
            self.recent[slot] = 0.0
        backoff = min(FIRST_BACKOFF * 2.0 ** (self.recent[slot] - 1.0), LONGEST_BACKOFF) if self.recent[slot] else 1.0
        self.recent[slot] += 1.0
        self.restarts[slot] += 1.0
        self.reason[slot] = reason
        self.phase[slot], self.until[slot] = Phase.BACKOFF, at + backoff
        self.since[slot] = at
        self.memory[slot] = self.leaked[slot] = 0.0
        if reason is Reason.OOM_KILLED:
            node, pod = self.nodes.names[self.node[slot]], self.pods[self._current[slot]].name
            words = f"Memory cgroup out of memory: Killed process in pod {pod}"
            self._happenings.add(at, ("Node", "", node), "OOMKilling", words, "kernel-monitor", warning=True, host=node)
        if self.recent[slot] > 1.0:
            self._say(at, slot, "BackOff", "Back-off restarting failed container", warning=True)

    def _say(
        self, at: float, slot: int, reason: str, words: str, *, warning: bool = False, component: str = "kubelet"
    ) -> None:
        service: Service = self.services[self.service[slot]]
        name = self.pods[self._current[slot]].name
        host = self.nodes.names[self.node[slot]] if self.node[slot] >= 0 and component == "kubelet" else ""
        subject = ("Pod", service.namespace, name)
        self._happenings.add(at, subject, reason, words, component, warning=warning, host=host)

    def states(self) -> dict[str, Array]:
        """What is recorded."""
        return {
            "phase": self.phase.astype(np.float64),
            "node": self.node.astype(np.float64),
            "restarts": self.restarts,
            "reason": self.reason.astype(np.float64),
            "memory": self.memory,
        }


def _no_room(free: Array, need: Array) -> str:
    there = free[:, 0] > -1.0
    words = ["cpu", "memory", "nvidia.com/gpu"]
    lacking = [
        f"{int(np.sum(there & (free[:, n] < need[n])))} Insufficient {word}"
        for n, word in enumerate(words)
        if np.any(there & (free[:, n] < need[n]))
    ]
    return f"0/{int(there.sum())} nodes are available: {', '.join(lacking)}."
