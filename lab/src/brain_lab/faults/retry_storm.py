"""A caller's retry policy is edited: it waits less than an answer takes, and asks again, six times over.

What the callee works on, nobody waits for any more; the repeats fill its queue, and now no attempt is in time. Whoever
else calls it suffers, too, and each attempt is a request that is charged for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Call, Role, Service
from brain_lab.platforms.traffic import latencies, missing
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

LEAST_FLOW: Final = 3.0
"""Calls/s."""

LEAST_SHARE: Final = 0.5
"""Of the callee's load that comes from the caller: else its repeats are no storm."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Who calls whom."""

    caller: str
    call: Call


def make(aim: Aim) -> Fault:
    """At a caller without a circuit breaker, whose callee is no promised service."""
    edges = {edge.caller: edge for edge in _busier_half(aim, list(_edges(aim)))}
    name = aim.choose(list(edges), "no caller that could start a storm of retries")
    edge = edges.get(name) or _given(aim, name)
    usual = latencies(aim.platform.by_name)[edge.call.to]
    timeout, retries = usual * aim.rng.uniform(0.3, 0.6), float(aim.rng.integers(6, 10))

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            columns = knobs.edges_between(name, edge.call.to)
            knobs.timeout_times[columns] *= timeout / edge.call.timeout
            knobs.retries_add[columns] += retries

    diff = {
        "retries.attempts": (str(edge.call.retries), f"{edge.call.retries + retries:.0f}"),
        "retries.perTryTimeout": (f"{edge.call.timeout * 1000:.0f}ms", f"{timeout * 1000:.0f}ms"),
    }
    namespace = aim.platform.service(name).namespace
    change = config_edit(aim.onset, namespace, f"{edge.call.to}-retries", diff, name, "robin@example.com")
    truth = aim.truth("retry-storm", name, ("errors", "latency", "load"), "config", f"take back the retries of {name}")
    truth = replace(truth, accepted=(aim.platform.entity(edge.call.to),))
    return Effect(turn, truth, changes=(change,))


def _edges(aim: Aim) -> Iterator[Edge]:
    """Calls that could become a storm, of each caller the busiest last."""
    candidates = set(aim.services(lambda one: one.role is Role.HTTP))
    for service in aim.platform.services:
        if service.name in candidates:
            found = [call for call in _to_services(aim, service) if _may_storm(aim, service, call)]
            yield from (Edge(service.name, call) for call in sorted(found, key=lambda call: call.calls))


def _busier_half(aim: Aim, edges: list[Edge]) -> list[Edge]:
    """A storm needs wind; of each caller the busiest call last."""
    flows = sorted((aim.rates[edge.caller] * edge.call.calls for edge in edges), reverse=True)
    least = flows[(len(flows) - 1) // 2] if flows else 0.0
    return [edge for edge in edges if aim.rates[edge.caller] * edge.call.calls >= least]


def _to_services(aim: Aim, service: Service) -> list[Call]:
    by_name = aim.platform.by_name
    return [call for call in service.calls if isinstance(by_name[call.to], Service) and not call.awaits]


def _may_storm(aim: Aim, service: Service, call: Call) -> bool:
    flow = aim.rates[service.name] * call.calls * missing(aim.platform.by_name, call)
    alone = call.to not in aim.promised
    critical = call.critical == 1.0 and not call.breaker
    return alone and critical and flow >= max(LEAST_FLOW, LEAST_SHARE * aim.rates[call.to])


def _given(aim: Aim, name: str) -> Edge:
    """The most usual call of a caller that was given as the target.

    Raises:
        ConfigError: It calls no service.
    """
    service = aim.platform.by_name[name]
    calls = _to_services(aim, service) if isinstance(service, Service) else []
    if not calls:
        raise ConfigError(f"target {name!r}: it calls no service that it could retry")
    return Edge(name, max(calls, key=lambda call: call.calls))
