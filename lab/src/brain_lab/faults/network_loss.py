"""Packets of a service's pods get lost: what is lost is sent again after a while, and some calls never arrive.

Calls in both directions wait for retransmissions; the service itself has nothing to do with it.
"""

from __future__ import annotations

from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

RETRANSMISSION: Final = 1.2
"""Seconds that a call waits longer for each share of packets lost, as the simulation has it."""


def make(aim: Aim) -> Fault:
    """As much as breaks a promise of a caller, between some percent and a half."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.platform.service(aim.choose(aim.subtle(busy), "no busy service")).name
    wanted = aim.breaking(name) / RETRANSMISSION
    lost = min(max(wanted * aim.rng.uniform(1.0, 1.5), 0.08), 0.5)

    def turn(at: float, knobs: Knobs) -> None:
        column = knobs.station(name)
        knobs.net_loss[column] = max(knobs.net_loss[column], lost * aim.strength(at, ramp=5.0))

    fix = f"move the pods of {name} to other nodes, and look at the network of those they are on"
    truth = aim.truth("network-loss", name, ("network", "latency", "errors"), "kubernetes", fix)
    return Effect(turn, truth)
