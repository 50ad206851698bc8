"""What a run leaves behind: the state of everything at every tick, what happened, and the truth about it.

Written by `run`, read by every writer of signals and by the evaluation. Arrays are [T, n], n in the order of the
names that stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity
from brain_lab.emit.records import AwsCall, Change, KubernetesEvent
from brain_lab.platforms.model import Call, Platform

Array = NDArray[np.float64]
Index = NDArray[np.int64]
States = Mapping[str, NDArray[np.float32]]

TICK: float = 5.0
"""Seconds between two rows."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What was broken; for those who score, never for the judgement.

    Attributes:
        fault: Name of the fault in the registry.
        entity: What is broken.
        kinds: Fault kinds of the engine that name it rightly, best first, such as `memory`, `restarts`.
        onset: Seconds since the epoch.
        proposal: Kind of proposal that would help: `kubernetes`, `config`, `terraform` or `argocd`.
        victims: Stations that may well show symptoms: those that call the broken one, directly or not.
        accepted: Further entities that are a right answer, such as the workload of a pod.
        fix: What a good answer proposes, in a few words.
        silent: It breaks no promise, so that no alert tells of it: a lock on a Terraform state, a bill.
        evidence: Where it shows, best first: a metric's name, or `events`, `changes`, `aws_calls`, `cost` or `logs`;
            empty: in the usual metrics of the entity.
    """

    fault: str
    entity: Entity
    kinds: tuple[str, ...]
    onset: float
    proposal: str
    victims: tuple[str, ...] = ()
    accepted: tuple[Entity, ...] = ()
    fix: str = ""
    silent: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that existed for a part of the run.

    Attributes:
        name: As its ReplicaSet named it.
        service: Whose replica.
        slot: Column of the pod arrays.
        node: Where it ran last; empty while it was never scheduled.
        first: First tick in which it existed.
        last: The one after the last.
    """

    name: str
    service: str
    slot: int
    node: str
    first: int
    last: int


@dataclass(frozen=True)
class Recording:
    """One run.

    Attributes:
        platform: What was played.
        seed: Of the run.
        times: [T] seconds since the epoch, ``TICK`` apart; a row is the state over the tick that ends then.
        stations: [T, S] by name of the state, in the order of ``platform.stations``: see ``engine.STATION_STATES``.
        edges: [T, E] likewise, in the order of ``calls``.
        pods: [T, P] likewise, by pod slot: see ``pod_list`` for who lived in a slot when.
        nodes: [T, N] likewise, in the order of ``platform.nodes``.
        topics: [T, K] likewise, in the order of ``groups``.
        fleets: [T, F] likewise, in the order of ``platform.fleets``: ``silent`` share of devices.
        cluster: [T, 1] ``unscheduled`` pods and ``launched`` nodes.
        calls: (caller, call) of the edges.
        groups: (topic, consumer) of the consumer groups.
        pod_list: All pods, in the order in which they came into being.
        events: Kubernetes' events, oldest first.
        changes: Rollouts, edits, syncs, harmless ones included, oldest first.
        aws_calls: CloudTrail's, oldest first.
        truth: What was broken; empty in a run without a fault.
    """

    platform: Platform
    seed: int
    times: Array
    stations: States
    edges: States
    pods: States
    nodes: States
    topics: States
    fleets: States
    cluster: States
    calls: tuple[tuple[str, Call], ...]
    groups: tuple[tuple[str, str], ...]
    pod_list: tuple[Pod, ...]
    events: tuple[KubernetesEvent, ...]
    changes: tuple[Change, ...]
    aws_calls: tuple[AwsCall, ...]
    truth: tuple[Truth, ...]

    @cached_property
    def station_index(self) -> Mapping[str, int]:
        """Column of each station."""
        return {station.name: column for column, station in enumerate(self.platform.stations)}

    def station(self, name: str, state: str) -> Array:
        """[T] one state of one station.

        Raises:
            KeyError: No such station or state.
        """
        return self.stations[state][:, self.station_index[name]].astype(np.float64)
