"""A new version of a service is rolled out and is worse: it fails some requests, or needs several times the CPU.

Pods are replaced one by one, so that the trouble grows in steps.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.capacity import ruinous
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import rollout, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """By the seed either errors or CPU."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(busy, "no busy service")
    service = aim.platform.service(name)
    failing = bool(aim.rng.random() < 0.6)
    errors = aim.rng.uniform(0.15, 0.5)
    cpu_times = ruinous(aim, service) * aim.rng.uniform(1.1, 1.5)

    def turn(at: float, knobs: Knobs) -> None:
        if not aim.strength(at, ramp=0.0):
            return
        station = knobs.station(name)
        knobs.revision[station] = 1.0
        if failing:
            knobs.new_errors[station] = errors
        else:
            knobs.new_cpu_times[station] *= cpu_times

    image = f"registry.example.com/{service.namespace}/{name}:2.{aim.seed % 40}.0"
    changes = (
        sync(aim.onset - 4.0, service.namespace, name, f"Synced {name}: image {image}"),
        rollout(aim.onset, service.namespace, name, image),
    )
    kinds = ("errors", "latency") if failing else ("cpu", "latency", "saturation")
    truth = aim.truth("bad-rollout", name, kinds, "kubernetes", f"undo the rollout of {name}")
    return Effect(turn, truth, changes=changes)
