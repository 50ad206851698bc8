"""Argo CD syncs a service from the overlay of a small environment, and the sync fails its health check halfway.

The limits that it brought stay: new pods are throttled long before the autoscaler, which looks at usage, sees any
reason to act. The application stands at OutOfSync and Degraded, and each retry fails again.
"""

from __future__ import annotations

from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.records import Change
from brain_lab.faults.aim import Aim
from brain_lab.faults.capacity import ruinous
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments, nanos
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import rollout, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """With limits that are not enough for the usual load, whatever the number of replicas."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 3.0]
    name = aim.choose(busy, "no busy service")
    service = aim.platform.service(name)
    cores = aim.rng.uniform(0.55, 0.8) / ruinous(aim, service)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            station = knobs.station(name)
            knobs.revision[station] = 1.0
            knobs.new_cores_times[station] *= cores

    image = f"registry.example.com/{service.namespace}/{name}:2.{aim.seed % 40}.0"
    failures = moments(aim, 20.0, 90.0, aim.rng)
    changes: list[Change] = [rollout(aim.onset, service.namespace, name, image)]
    changes += [
        sync(
            at - 15.0,
            service.namespace,
            name,
            f"one or more synchronization tasks completed unsuccessfully (retried {n} times): {name} is degraded",
            succeeded=False,
            seconds=15.0,
        )
        for n, at in enumerate(failures, 1)
    ]
    if aim.duration != float("inf"):
        end = aim.onset + aim.duration
        changes.append(sync(end, service.namespace, name, f"Synced {name}: overlay production"))
    events = occurrences("OperationFailed", name, "argocd", nanos(failures), revision=changes[-1].revision[:7])
    fix = f"sync {name} from the overlay of production"
    truth = aim.truth("argocd-sync-failed", name, ("cpu", "latency", "saturation"), "argocd", fix)
    return Effect(turn, truth, events=tuple(events), changes=tuple(changes))
