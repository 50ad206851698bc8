"""A service runs with a ConfigMap that is not the one that it should have: edited, but its pods were never restarted.

Nothing happened at the edit. Trouble begins when the world no longer fits the old values: the old endpoint is switched
off, or pods come up with an old copy in which a time-out is too short or a pool too small. By the seed it is one of
these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.shares import breaking_shares
from brain_lab.platforms.model import Call, Role, Service
from brain_lab.platforms.traffic import latencies, missing
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

EDITED: Final = (240.0, 900.0)
"""Seconds before the onset at which somebody edited it."""

_TAKEN_UP: Final = 40.0
"""Seconds until all pods have the old values, or have lost their old connections."""

_MATTERS: Final = 0.2
"""Share of failing requests that has to be enough to break a promise."""


@dataclass(frozen=True, slots=True)
class Stale:
    """What an old value does.

    Attributes:
        turn: To the edge's knobs: column and how far it has come.
        diff: The edit that the pods do not know: key → old and new value.
        kinds: Of the truth.
    """

    turn: Callable[[Knobs, int, float], None]
    diff: dict[str, tuple[str, str]]
    kinds: tuple[str, ...]


def make(aim: Aim) -> Fault:
    """A service whose failing breaks a promise, and one of its callees."""
    busy = aim.services(lambda one: one.role is Role.HTTP and aim.rates[one.name] > 1.0 and bool(_calls(one)))
    needed = breaking_shares(aim.platform, busy)
    name = aim.choose([name for name in busy if needed[name] < _MATTERS], "no service with a callee that matters")
    service = aim.platform.service(name)
    calls = _calls(service)
    if not calls:
        raise KeyError(name)
    call = calls[int(aim.rng.integers(len(calls)))]
    options = [_endpoint, _timeout, _pool] if call.pool else [_endpoint, _timeout]
    stale = options[int(aim.rng.integers(len(options)))](aim, name, call)

    def turn(at: float, knobs: Knobs) -> None:
        strength = aim.strength(at, ramp=_TAKEN_UP)
        if strength:
            for edge in knobs.edges_between(name, call.to):
                stale.turn(knobs, int(edge), strength)

    edited = aim.onset - aim.rng.uniform(*EDITED)
    change = config_edit(edited, service.namespace, f"{name}-config", stale.diff, name, "robin@example.com")
    truth = aim.truth("stale-configmap", name, stale.kinds, "kubernetes", f"restart the pods of {name}")
    return Effect(turn, truth, changes=(change,))


def _calls(service: Service) -> list[Call]:
    """Those that each request needs."""
    return [
        one for one in service.calls if one.critical == 1.0 and one.calls >= 1.0 and not one.awaits and not one.behind
    ]


def _endpoint(aim: Aim, _name: str, call: Call) -> Stale:
    lost = aim.rng.uniform(0.5, 0.95)

    def turn(knobs: Knobs, edge: int, strength: float) -> None:
        knobs.edge_loss[edge] = 1.0 - (1.0 - knobs.edge_loss[edge]) * (1.0 - lost * strength)

    old, new = f"{call.to}-a.example.internal", f"{call.to}-b.example.internal"
    return Stale(turn, {f"{call.to}.host": (old, new)}, ("errors",))


def _timeout(aim: Aim, _name: str, call: Call) -> Stale:
    seconds = latencies(aim.platform.by_name)[call.to] * aim.rng.uniform(0.4, 0.7)

    def turn(knobs: Knobs, edge: int, strength: float) -> None:
        usual = call.timeout
        knobs.timeout_times[edge] *= (usual / seconds) ** -strength

    return Stale(
        turn, {f"{call.to}.timeout": (f"{seconds * 1000.0:.0f}ms", f"{call.timeout:g}s")}, ("errors", "latency")
    )


def _pool(aim: Aim, name: str, call: Call) -> Stale:
    """A pool through which little more than half of the calls fit."""
    calls = aim.rates[name] * call.calls * missing(aim.platform.by_name, call)
    used = calls * latencies(aim.platform.by_name)[call.to] / (call.pool * aim.platform.service(name).replicas)
    left = used * aim.rng.uniform(0.4, 0.65)

    def turn(knobs: Knobs, edge: int, strength: float) -> None:
        knobs.pool_times[edge] *= left**strength

    size = max(round(call.pool * left), 1)
    return Stale(turn, {f"{call.to}.pool.maximum": (str(size), str(call.pool))}, ("latency", "saturation", "errors"))
