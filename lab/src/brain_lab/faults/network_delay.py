"""Packets of a service's pods are delayed: whoever calls it waits, and it waits for whom it calls.

Its own server latency may hardly change; the difference is between what the client measures and what the server
measures.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Long enough that a promise of a caller breaks."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(aim.subtle(busy), "no busy service")
    delay = aim.breaking(name) * aim.rng.uniform(0.8, 1.3)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.net_delay[knobs.station(name)] += delay * aim.strength(at, ramp=5.0)

    fix = f"look at the network between {name} and its callers: policy, node, traffic shaping"
    return Effect(turn, aim.truth("network-delay", name, ("network", "latency"), "kubernetes", fix))
