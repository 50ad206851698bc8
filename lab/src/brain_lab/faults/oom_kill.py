"""A service leaks memory: its containers reach their limit one after the other, are killed, and start again.

While they start, the others carry their load, and callers see refusals; the leak begins anew with every start.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Fast enough to be killed within two minutes of each start."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(busy, "no busy service")
    service = aim.platform.service(name)
    leak = (service.memory_limit - service.memory_base) / aim.rng.uniform(50.0, 100.0)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.leak[knobs.station(name)] += leak * aim.strength(at, ramp=0.0)

    fix = f"raise the memory limit of {name}, and find the leak"
    return Effect(turn, aim.truth("oom-kill", name, ("memory", "restarts", "availability"), "kubernetes", fix))
