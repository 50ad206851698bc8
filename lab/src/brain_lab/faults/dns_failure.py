"""The name of a service no longer resolves, because somebody edited the configuration of CoreDNS.

The service is well and gets less and less to do, as the answers that its callers have cached run out; they get
NXDOMAIN instead of an address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

CACHED: Final = 30.0
"""Seconds for which CoreDNS and clients keep an answer: the default of its plug-in ``cache`` in clusters."""

RELOADED: Final = 20.0
"""Seconds from the edit until CoreDNS has noticed it: the kubelet's sync and the plug-in ``reload``."""


def make(aim: Aim) -> Fault:
    """Some calls go on over connections that are open already."""
    busy = [
        name
        for name in aim.services(lambda one: one.role is Role.HTTP)
        if aim.rates[name] > 1.0 and name not in aim.promised
    ]
    name = aim.choose(busy, "no busy service without a promise of its own")
    lost = aim.rng.uniform(0.6, 0.95)
    namespace = aim.platform.service(name).namespace

    def turn(at: float, knobs: Knobs) -> None:
        column = knobs.station(name)
        reached = (1.0 - knobs.unreachable[column]) * (1.0 - lost * aim.strength(at, ramp=CACHED))
        knobs.unreachable[column] = 1.0 - reached

    host = f"{name}.{namespace}.svc.cluster.local"
    diff = {"Corefile": ("cache 30", f"cache 30; rewrite name exact {host} {name}.{namespace}-v2.svc.cluster.local")}
    change = config_edit(aim.onset - RELOADED, "kube-system", "coredns", diff, "coredns", "alex@example.com")
    resolver = Entity(aim.platform.cluster, "kube-system", EntityKind.WORKLOAD, "coredns")
    truth = aim.truth("dns-failure", name, ("load", "errors"), "config", "undo the edit of the ConfigMap coredns")
    return Effect(turn, replace(truth, accepted=(resolver,)), changes=(change,))
