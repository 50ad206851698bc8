"""Karpenter misbehaves: it starts no nodes where some were taken away, or takes away those that are needed.

By the seed, AWS takes back spot instances and has no others, so that pods wait; or somebody let Karpenter consolidate
without a pause, so that pods are moved from node to node, and services with one replica are away each time.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.cloud.calls import call
from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.records import NANOS, AwsCall, KubernetesEvent, Principal, Subject
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import TOLD, moments, nanos
from brain_lab.platforms.model import Node
from brain_lab.simulate.changing import commit, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.recording import Truth

STARVED: Final = 0.5
"""Share of seeds for which it starts no nodes."""

WARNED: Final = 120.0
"""Seconds between a spot interruption notice and the end of the instance."""

CONSOLIDATES: Final = 35.0
"""Seconds between two nodes that are removed as long as pods seem to fit on the others."""

CHURNS: Final = 240.0
"""Seconds between two later ones: as soon as a new node has joined, an old one seems superfluous."""

_USABLE: Final = (0.94, 0.92)
"""Share of a node's cores and bytes that pods can ask for."""

_HELD: Final = 20.0
"""Seconds for which the knob stays turned: it acts when it is turned."""

_KARPENTER: Final = Principal("AssumedRole", "karpenter", "karpenter")
_SPOT: Final = Principal("AWSService", "ec2.amazonaws.com")


def make(aim: Aim) -> Fault:
    """With the ordinary nodes in an order that the seed draws, after the one that is the target."""
    nodes = {node.name: node for node in aim.platform.nodes if not node.spare and not node.gpus}
    first = nodes[aim.choose(list(nodes) if len(nodes) > 1 else [], "no nodes to take away")]
    others = [node for node in nodes.values() if node is not first]
    mixed = [first, *(others[n] for n in aim.rng.permutation(len(others)))]
    return _starved(aim, mixed) if aim.rng.random() < STARVED else _eager(aim, mixed)


def _starved(aim: Aim, nodes: list[Node]) -> Fault:
    taken = nodes[: max(len(nodes) - math.floor(0.93 * _needed(aim, nodes)), 1)]
    ends = [aim.onset + 12.0 * n for n in range(len(taken))]
    tries = moments(aim, 25.0, 60.0, aim.rng)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.provisioner_off[0] = 1.0
        _terminate(knobs, taken, ends, at)

    claims = [f"{taken[n % len(taken)].pool}-{commit(f'claim {aim.onset} {n}')[:5]}" for n in range(len(tries))]
    events = [
        *(event for node, end in zip(taken, ends, strict=True) for event in _interrupted(node, end)),
        *(event for claim, at in zip(claims, nanos(tries), strict=True) for event in _refused(claim, at)),
    ]
    calls = [
        *(_evicted(aim, node, end) for node, end in zip(taken, ends, strict=True)),
        *(_no_capacity(aim, taken[n % len(taken)], at) for n, at in enumerate(nanos(tries))),
    ]
    fix = "let the NodePool take other instance types, zones, or on-demand instances"
    return Effect(turn, _truth(aim, taken, fix), events=tuple(events), aws_calls=tuple(calls))


def _eager(aim: Aim, nodes: list[Node]) -> Fault:
    removable = max(len(nodes) - math.ceil(_needed(aim, nodes)), 1)
    times = [aim.onset + CONSOLIDATES * n for n in range(removable)]
    until = aim.onset + min(aim.duration, TOLD)
    times += np.arange(times[-1] + CHURNS, until, CHURNS).tolist()
    times = [at for at in times if at < until]
    taken = [nodes[n % len(nodes)] for n in range(len(times))]

    def turn(at: float, knobs: Knobs) -> None:
        _terminate(knobs, taken, times, at)

    events = [
        event
        for node, at in zip(taken, nanos(times), strict=True)
        for event in occurrences("DisruptionTerminating", _claim(node), "", [at])
    ]
    calls = [_terminated(aim, node, at) for node, at in zip(taken, nanos(times), strict=True)]
    words = f"Synced karpenter: NodePool {nodes[0].pool} consolidateAfter 30m -> 0s, budgets 1 -> 100%"
    change = sync(aim.onset - 20.0, "kube-system", "karpenter", words)
    truth = _truth(aim, nodes[: len(times)], "undo the sync of karpenter: give its NodePool a disruption budget")
    return Effect(turn, truth, events=tuple(events), changes=(change,), aws_calls=tuple(calls))


def _needed(aim: Aim, nodes: list[Node]) -> float:
    """Nodes that all pods together ask for."""
    services = [one for one in aim.platform.services if not one.gpus]
    cores = sum(one.cpu_request * one.replicas for one in services)
    memory = sum(one.memory_request * one.replicas for one in services)
    return max(cores / (_USABLE[0] * nodes[0].cores), memory / (_USABLE[1] * nodes[0].memory))


def _terminate(knobs: Knobs, nodes: list[Node], ends: list[float], at: float) -> None:
    for node, end in zip(nodes, ends, strict=True):
        if end <= at < end + _HELD:
            knobs.node_terminate[knobs.node(node.name)] = 1.0


def _truth(aim: Aim, taken: list[Node], fix: str) -> Truth:
    karpenter = Entity(aim.platform.cluster, "kube-system", EntityKind.WORKLOAD, "karpenter")
    nodes = tuple(aim.platform.entity(node.name) for node in taken)
    kinds = ("availability", "saturation")
    return Truth(
        "node-autoscaler-misbehaviour",
        karpenter,
        kinds,
        aim.onset,
        "kubernetes",
        accepted=nodes,
        fix=fix,
        evidence=("karpenter_cluster_state_node_count", "events", "aws_calls"),
    )


def _claim(node: Node) -> str:
    return f"{node.pool}-{commit(node.name)[:5]}"


def _interrupted(node: Node, end: float) -> tuple[KubernetesEvent, ...]:
    moment = round(end * NANOS)
    words = "Spot interruption warning was triggered"
    about = (Subject("NodeClaim", _claim(node), "", "karpenter.sh/v1"), Subject("Node", node.name))
    return tuple(
        KubernetesEvent(f"{one.name}.{moment:016x}", one, "SpotInterrupted", words, True, "karpenter", moment, moment)
        for one in about
    )


def _refused(claim: str, at: int) -> list[KubernetesEvent]:
    return occurrences("InsufficientCapacityError", claim, "", [at], object=claim)


def _evicted(aim: Aim, node: Node, end: float) -> AwsCall:
    details = {"instanceIdSet": [_instance(node)]}
    account, region = aim.platform.account, aim.platform.region
    return replace(
        call(round(end * NANOS), account, region, "ec2", "BidEvictedEvent", _SPOT, None, details), read_only=False
    )


def _no_capacity(aim: Aim, node: Node, at: int) -> AwsCall:
    message = (
        f"We currently do not have sufficient {node.instance_type} capacity in the Availability Zone you requested "
        f"({node.zone}). Our system will be working on provisioning additional capacity."
    )
    error = {"errorCode": "InsufficientInstanceCapacity", "errorMessage": message, "lifecycle": "spot"}
    request = {"CreateFleetRequest": {"Type": "instant", "TargetCapacitySpecification": {"TotalTargetCapacity": 1}}}
    response = {"CreateFleetResponse": {"errorSet": {"item": error}, "fleetInstanceSet": ""}}
    account, region = aim.platform.account, aim.platform.region
    return call(at, account, region, "ec2", "CreateFleet", _KARPENTER, request, response, agent="karpenter.sh/1.8.1")


def _terminated(aim: Aim, node: Node, at: int) -> AwsCall:
    instances = {"instancesSet": {"items": [{"instanceId": _instance(node)}]}}
    account, region = aim.platform.account, aim.platform.region
    return call(at, account, region, "ec2", "TerminateInstances", _KARPENTER, instances, agent="karpenter.sh/1.8.1")


def _instance(node: Node) -> str:
    return f"i-0{commit(node.name)[:16]}"
