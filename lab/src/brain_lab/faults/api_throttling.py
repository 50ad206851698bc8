"""An API that is not ours has enough of our calls: a provider answers 429, or AWS throttles the calls of a service.

A provider's refusals fail the requests that need it, and those who call in are not asked less. An AWS client waits and
tries again before it gives up, so that the service behind it is slow first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.cloud.calls import call, throttled
from brain_lab.emit.records import AwsCall, Principal
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments, nanos
from brain_lab.faults.shares import breaking_shares
from brain_lab.platforms.model import External, Role
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

OF_CLOUD: Final = 0.4
"""Share of seeds for which it is AWS."""

_MOST: Final = 0.9
"""Of the calls that are refused: something is always let through."""


def make(aim: Aim) -> Fault:
    """By the seed one of the external APIs, or AWS' key service for one of the services."""
    cloud = aim.rng.random() < OF_CLOUD
    if aim.target:
        cloud = not isinstance(aim.platform.by_name.get(aim.target), External)
    return _cloud(aim) if cloud else _provider(aim)


def _provider(aim: Aim) -> Fault:
    needed = breaking_shares(aim.platform, [one.name for one in aim.platform.externals])
    name = aim.choose([name for name, share in needed.items() if share < _MOST / 2.0], "no API that it depends on")
    refused = min(max(2.0 * needed.get(name, 0.0), aim.rng.uniform(0.4, 0.8)), _MOST)
    limit = aim.rates[name] * (1.0 - refused)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            column = knobs.station(name)
            knobs.rate_limit[column] = min(knobs.rate_limit[column], limit)

    fix = f"call {name} less often, or agree on a higher quota"
    return Effect(turn, aim.truth("api-throttling", name, ("errors", "latency"), "config", fix))


def _cloud(aim: Aim) -> Fault:
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.platform.service(aim.choose(aim.subtle(busy), "no busy service")).name
    wait = aim.breaking(name) * aim.rng.uniform(0.9, 1.4)
    failing = aim.rng.uniform(0.1, 0.3)

    def turn(at: float, knobs: Knobs) -> None:
        station, strength = knobs.station(name), aim.strength(at)
        knobs.own_add[station] += wait * strength
        knobs.errors[station] = 1.0 - (1.0 - knobs.errors[station]) * (1.0 - failing * strength)

    fix = f"raise the request quota of KMS, or let {name} keep its data keys longer"
    truth = aim.truth("api-throttling", name, ("latency", "errors"), "terraform", fix)
    quota = Entity(aim.platform.cluster, "", EntityKind.CLOUD_RESOURCE, "kms")
    return Effect(turn, replace(truth, accepted=(quota,)), aws_calls=_refusals(aim, name))


def _refusals(aim: Aim, name: str) -> tuple[AwsCall, ...]:
    who = Principal("AssumedRole", f"{aim.platform.cluster}-{name}", name)
    request = {"encryptionContext": {"service": name}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    account, region = aim.platform.account, aim.platform.region
    times = nanos(moments(aim, 1.0, 3.0, aim.rng))
    return tuple(throttled(call(at, account, region, "kms", "Decrypt", who, request)) for at in times)
