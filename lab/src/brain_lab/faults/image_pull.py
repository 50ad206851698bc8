"""A Deployment with the strategy Recreate gets an image that is not in the registry: its new pods cannot start.

The old ones are already gone; callers are refused until somebody pushes the image or undoes the rollout.
"""

from __future__ import annotations

from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.records import KubernetesEvent
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import nanos
from brain_lab.platforms.model import Role, Service
from brain_lab.simulate.changing import rollout, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.names import replica_set

REVISION = 1.0


def make(aim: Aim) -> Fault:
    """After its end the image is there, and the new pods start."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(busy, "no busy service")
    service = aim.platform.service(name)
    image = f"registry.example.com/{service.namespace}/{name}:3.{aim.seed % 40}.1"

    def turn(at: float, knobs: Knobs) -> None:
        if at < aim.onset:
            return
        station = knobs.station(name)
        knobs.revision[station] = knobs.replace[station] = REVISION
        knobs.image_missing[station] = aim.strength(at, ramp=0.0)

    changes = (
        sync(aim.onset - 4.0, service.namespace, name, f"Synced {name}: image {image}"),
        rollout(aim.onset, service.namespace, name, image),
    )
    fix = f"undo the rollout of {name}, or push the image {image}"
    truth = aim.truth("image-pull", name, ("restarts", "availability", "errors"), "kubernetes", fix)
    return Effect(turn, truth, events=_scaling(aim, service), changes=changes)


def _scaling(aim: Aim, service: Service) -> tuple[KubernetesEvent, ...]:
    new, count = replica_set(service.name, int(REVISION)), str(service.replicas)
    at = nanos([aim.onset])
    return tuple(
        occurrences("ScalingReplicaSet", service.name, service.namespace, at, replicaset=new, old="0", new=count)
    )
