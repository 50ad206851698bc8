"""A consumer falls behind: it stumbles over messages that block their partitions, and no scaler can make up for it.

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
    share = aim.rng.uniform(0.4, 0.8)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.stalled[knobs.group(name)] = share

    fix = f"skip the messages that {name} stumbles over"
    return Effect(turn, aim.truth("kafka-consumer-lag", name, ("saturation", "latency", "load"), "config", fix))
