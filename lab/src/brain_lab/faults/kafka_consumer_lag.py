"""A consumer falls behind: it works off less than comes in, and its scaler cannot make up for it.

Whoever waits for its answer times out; whoever reads what it writes reads old data.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """A consumer whose freshness was promised; by preference one that somebody waits for."""
    promised = [slo.service for slo in aim.platform.slos if slo.lag_seconds and aim.rates[slo.service] > 1.0]
    awaited = [name for name in promised if aim.callers(name)]
    name = aim.choose(awaited or promised, "no consumer with a promise")
    service = aim.platform.service(name)
    most = service.scaler.maximum if service.scaler else service.replicas
    speed = aim.rng.uniform(0.15, 0.3) * service.replicas / most

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.consumers_times[knobs.group(name)] *= speed

    fix = f"give {name} more replicas and partitions, or skip what it stumbles over"
    return Effect(turn, aim.truth("kafka-consumer-lag", name, ("saturation", "latency", "load"), "kubernetes", fix))
