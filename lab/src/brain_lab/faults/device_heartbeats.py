"""Devices of some regions lose their connection: heartbeats time out, and all of them try to come back at once.

Less is reported than usual, and yet the gateway has more to do: each attempt is a handshake, and each handshake asks
who the device is. What answers that question is sized for a few devices that come and go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Call, Fleet
from brain_lab.platforms.traffic import latencies
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

_LOST: Final = (0.35, 0.65)
"""Share of a fleet: some regions or wards."""


def make(aim: Aim) -> Fault:
    """A fleet whose gateway asks somebody who its devices are."""
    asked = {fleet.gateway: (fleet, _asks(aim, fleet)) for fleet in aim.platform.fleets}
    name = aim.choose(list(asked), "no fleet of devices")
    fleet, call = asked[name]
    lost = aim.rng.uniform(*_LOST)
    reports = aim.rates[name] * (1.0 - lost)
    attempts = _capacity(aim, call.to) * aim.rng.uniform(1.05, 1.25) - aim.rates[call.to]
    number = aim.platform.fleets.index(fleet)

    def turn(at: float, knobs: Knobs) -> None:
        strength = aim.strength(at, ramp=15.0)
        tries = attempts * strength
        knobs.silent[number] = max(knobs.silent[number], lost * strength)
        knobs.load_add[knobs.station(name)] += tries
        for edge in knobs.edges_between(name, call.to):
            knobs.calls_times[edge] *= (reports * call.calls + tries) / ((reports + tries) * call.calls)

    fix = f"let {name} admit devices slowly, and find out why some regions were cut off"
    truth = aim.truth("device-heartbeat-timeouts", name, ("load", "latency", "saturation"), "config", fix)
    evidence = ("fleet_devices_connected", "fleet_oldest_heartbeat_age_seconds")
    return Effect(turn, replace(truth, victims=_sharing(aim, name), evidence=evidence))


def _asks(aim: Aim, fleet: Fleet) -> Call:
    """Whom the gateway asks who a device is: the first service that it calls."""
    services = {one.name for one in aim.platform.services}
    return next(one for one in aim.platform.service(fleet.gateway).calls if one.to in services)


def _capacity(aim: Aim, name: str) -> float:
    """Requests/s that a service can answer: who gets no answer tries again, so that a storm goes somewhat beyond."""
    service = aim.platform.service(name)
    slots = service.workers / latencies(aim.platform.by_name)[name]
    return service.replicas * min(service.cpu_limit / service.cpu_seconds, slots)


def _sharing(aim: Aim, name: str) -> tuple[str, ...]:
    """All that call what the gateway calls, directly or not."""
    below = [one for one in aim.platform.by_name if name in aim.callers(one)]
    return tuple(sorted({caller for one in below for caller in aim.callers(one)} - {name} | aim.callers(name)))
