"""Somebody sets the rate limit of a service's sidecars below what it gets: part of the calls are answered 429.

The service itself has less to do than before and looks healthy; its callers fail.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Half of the usual rate or a little more is let through."""
    busy = [
        name
        for name in aim.services(lambda one: one.role is Role.HTTP)
        if aim.rates[name] > 3.0 and name not in aim.promised
    ]
    name = aim.choose(busy, "no busy service without a promise of its own")
    limit = aim.rates[name] * aim.rng.uniform(0.45, 0.7)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            column = knobs.station(name)
            knobs.rate_limit[column] = min(knobs.rate_limit[column], limit)

    namespace = aim.platform.service(name).namespace
    diff = {"token_bucket.max_tokens": (str(round(limit * 20.0)), str(round(limit)))}
    change = config_edit(aim.onset, namespace, f"{name}-local-ratelimit", diff, name, "kim@example.com")
    truth = aim.truth("rate-limit-too-low", name, ("errors", "load"), "config", f"raise the rate limit of {name}")
    return Effect(turn, truth, changes=(change,))
