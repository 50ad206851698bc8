"""A service takes longer by itself: a lock in the process, a slow disk, a bad query plan of an embedded store.

It uses no more CPU; its callers wait, fill their slots, and time out.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Slow enough that a promise of a caller breaks."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(aim.subtle(busy), "no busy service")
    extra = aim.breaking(name) * aim.rng.uniform(1.0, 1.6)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.own_add[knobs.station(name)] += extra * aim.strength(at)

    fix = f"scale {name} out or undo its last change"
    return Effect(turn, aim.truth("latency-spike", name, ("latency", "saturation"), "kubernetes", fix))
