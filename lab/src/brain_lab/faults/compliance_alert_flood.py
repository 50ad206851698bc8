"""A rule of the audit trail is made too broad: harmless requests raise alerts of compliance, thousands of them.

Nobody does anything wrong, and there is no more traffic than usual. But each alert is written before the request is
answered, so that the service takes longer and its callers wait, while the security team gets a flood.
"""

from __future__ import annotations

from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.audited import audited, demanded
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

LINES_OF_ALERT: Final = 20.0
"""Of the audit log, against one or two of a request."""


def make(aim: Aim) -> Fault:
    """At a service whose requests are audited."""
    handling = {one.name for one in audited(aim.platform)}
    busy = [name for name in aim.services(lambda one: one.name in handling) if aim.rates[name] > 1.0]
    name = aim.choose(busy, "no audit trail")
    flagged = aim.rng.uniform(0.5, 0.95)
    wait = aim.breaking(name) * aim.rng.uniform(0.9, 1.4)

    def turn(at: float, knobs: Knobs) -> None:
        station, strength = knobs.station(name), aim.strength(at, ramp=15.0)
        knobs.flagged[station] += flagged * strength
        knobs.log_times[station] *= 1.0 + flagged * LINES_OF_ALERT * strength
        knobs.own_add[station] += wait * strength

    regulation = demanded(aim.platform)
    diff = {f"{regulation}.rules.unusual-access.threshold": ("500/h", "5/h")}
    namespace = aim.platform.service(name).namespace
    change = config_edit(aim.onset, namespace, f"{name}-audit-rules", diff, name, "compliance@example.com")
    fix = f"set the threshold of the audit rule of {name} back"
    truth = aim.truth("compliance-alert-flood", name, ("latency", "saturation"), "config", fix)
    return Effect(turn, truth, changes=(change,))
