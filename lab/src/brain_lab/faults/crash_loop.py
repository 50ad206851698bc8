"""All containers of a service exit right after their start, again and again: CrashLoopBackOff.

By the seed somebody edited its configuration just before, or nobody did anything: a licence ran out, a file that it
reads at its start is broken. Nobody answers, callers fail at once; pauses between the restarts double.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """A busy service, by preference without a promise of its own."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(busy, "no busy service")
    edited = bool(aim.rng.random() < 0.5)
    namespace = aim.platform.service(name).namespace

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.crash[knobs.station(name)] = 1.0

    kinds = ("restarts", "availability", "errors")
    if not edited:
        fix = f"read why the containers of {name} exit, and give them what they miss"
        return Effect(turn, aim.truth("crash-loop", name, kinds, "kubernetes", fix))
    diff = {"server.keepalive": ("60s", "60sec")}
    change = config_edit(aim.onset - 6.0, namespace, f"{name}-config", diff, name, "lee@example.com")
    truth = aim.truth("crash-loop", name, kinds, "config", f"undo the edit of {name}-config")
    return Effect(turn, truth, changes=(change,))
