"""Somebody asks for far more than a service needs: an autoscaler's target a tenth of what it was, requests many times.

Replicas go to the maximum, each takes half a node, and Karpenter brings nodes for them that stand idle. Nobody
suffers; the bill does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.simulate.changing import config_edit, rollout, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

OF_A_NODE: Final = 0.55
"""Share of a node's cores that a replica asks for: two of them do not fit on one."""


def make(aim: Aim) -> Fault:
    """Of a service with an HPA."""
    scaled = [one for one in aim.platform.services if one.scaler and one.scaler.kind == "hpa"]
    name = aim.choose([one.name for one in scaled], "no service with an HPA")
    service = aim.platform.service(name)
    asked = OF_A_NODE * min(node.cores for node in aim.platform.nodes)
    times = asked / service.cpu_request

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            station = knobs.station(name)
            knobs.request_times[station] *= times
            knobs.replicas_add[station] += 100.0
            knobs.revision[station] = 1.0

    diff = {
        "resources.requests.cpu": (f"{service.cpu_request * 1000:.0f}m", f"{asked * 1000:.0f}m"),
        "autoscaling.targetCPUUtilizationPercentage": ("75", "7"),
    }
    changes = (
        config_edit(aim.onset - 20.0, service.namespace, f"{name}-values", diff, name, "sam@example.com"),
        sync(aim.onset - 4.0, service.namespace, name, f"Synced {name}: resources and autoscaling"),
        rollout(aim.onset, service.namespace, name, f"registry.example.com/{service.namespace}/{name}:1.9.0"),
    )
    fix = f"set requests and target of {name} back"
    truth = aim.truth("runaway-autoscaling", name, ("saturation", "cpu"), "kubernetes", fix)
    evidence = ("kube_horizontalpodautoscaler_status_desired_replicas", "cost", "events")
    return Effect(turn, replace(truth, silent=True, evidence=evidence), changes=changes)
