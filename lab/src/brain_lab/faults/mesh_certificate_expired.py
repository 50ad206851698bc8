"""The certificate of a service's sidecars was not renewed and expires: whoever connects anew is refused.

Connections that stand live on until they are closed, so that it takes a minute until nearly every call fails. The
service itself has nothing to do and looks healthier than ever.
"""

from __future__ import annotations

from brain_lab.emit.events.reasons import occurrences
from brain_lab.faults.aim import Aim
from brain_lab.faults.harm import harmful
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments, nanos
from brain_lab.platforms.model import Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Of a service that others call."""
    called = [
        name
        for name in aim.services(lambda one: one.role is Role.HTTP)
        if aim.rates[name] > 1.0 and name not in aim.promised and aim.callers(name)
    ]
    name = aim.choose(harmful(aim, called), "no service that others call without a promise of its own")
    share, ramp = aim.rng.uniform(0.75, 1.0), aim.rng.uniform(30.0, 75.0)

    def turn(at: float, knobs: Knobs) -> None:
        station, strength = knobs.station(name), aim.strength(at, ramp)
        knobs.unreachable[station] = max(knobs.unreachable[station], share * strength)
        knobs.expired[station] = max(knobs.expired[station], aim.strength(at, ramp=0.0))

    namespace = aim.platform.service(name).namespace
    retries = nanos(moments(aim, 1.0, 60.0, aim.rng))
    events = occurrences("CertificateExpired", f"{name}-mesh", namespace, retries)
    fix = f"renew the mesh certificate of {name}, and mend what should have renewed it"
    truth = aim.truth("mesh-certificate-expired", name, ("errors", "availability", "load"), "kubernetes", fix)
    return Effect(turn, truth, events=tuple(events))
