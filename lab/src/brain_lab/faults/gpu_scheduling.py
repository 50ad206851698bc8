"""A new GPU driver does not load: the nodes offer no GPUs any more, and pods that need one wait for ever.

The operator moves all GPU pods away before it replaces a driver, on all nodes at once if it is allowed to. New GPU
nodes come up with the same driver. Those who wait for inference see time-outs and old results.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.records import NANOS, KubernetesEvent, Subject
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Node
from brain_lab.simulate.changing import sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

NAMESPACE: Final = "gpu-operator"
DRIVER: Final = "nvidia-driver-daemonset"
_APART: Final = 15.0
"""Seconds between two nodes."""


def make(aim: Aim) -> Fault:
    """On all GPU nodes, the spare ones included."""
    there = [node for node in aim.platform.nodes if node.gpus and not node.spare]
    name = aim.choose([node.name for node in there], "no GPU nodes")
    there.sort(key=lambda node: node.name != name)
    if there[0].name != name:
        raise KeyError(name)
    begins = {node.name: aim.onset + _APART * n for n, node in enumerate(there)}
    nodes = [node for node in aim.platform.nodes if node.gpus]

    def turn(at: float, knobs: Knobs) -> None:
        if not aim.strength(at, ramp=0.0):
            return
        for node in nodes:
            if at >= begins.get(node.name, aim.onset):
                column = knobs.node(node.name)
                knobs.node_drain[column] = 1.0
                knobs.gpu_lost[column] = node.gpus

    words = f"Synced {NAMESPACE}: driver 570.172.08 -> 580.65.06, maxParallelUpgrades 1 -> 0"
    change = sync(aim.onset - 30.0, NAMESPACE, NAMESPACE, words, (DRIVER,))
    events = [event for node in there for event in _upgrading(node, begins[node.name])]
    driver = Entity(aim.platform.cluster, NAMESPACE, EntityKind.WORKLOAD, DRIVER)
    others = tuple(aim.platform.entity(node.name) for node in there if node.name != name)
    fix = f"undo the sync of {NAMESPACE}: the driver before loads"
    truth = aim.truth("gpu-scheduling-failure", name, ("availability", "saturation"), "argocd", fix)
    return Effect(turn, replace(truth, accepted=(driver, *others)), events=tuple(events), changes=(change,))


def _upgrading(node: Node, begins: float) -> tuple[KubernetesEvent, ...]:
    """As the operator says it: by the label that it gives the node."""
    told = ((0.0, "pod-restart-required", False), (25.0, "upgrade-failed", True))
    return tuple(
        KubernetesEvent(
            name=f"{node.name}.{round((begins + after) * NANOS):016x}",
            subject=Subject("Node", node.name),
            reason="GPUDriverUpgrade",
            message=f"Successfully updated node state label to {state}",
            warning=warning,
            component="nvidia-gpu-operator",
            first=round((begins + after) * NANOS),
            last=round((begins + after) * NANOS),
        )
        for after, state, warning in told
    )
