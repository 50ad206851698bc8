"""How much of a promised service's work fails when a station fails: what has a fallback everywhere is no target for
faults that make things fail."""

from __future__ import annotations

from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.platforms.model import Service
from brain_lab.platforms.traffic import missing, order

LEAST_HARM: Final = 0.04
"""Share of requests to a promised service: several times what may fail."""


def harm(aim: Aim, name: str) -> float:
    """Share of requests that fail at the promised service that depends on a station most, when the station is gone."""
    stations = aim.platform.by_name
    lost = {name: 1.0}
    for caller in reversed(order(stations)):
        station = stations[caller]
        if caller != name and isinstance(station, Service):
            kept = 1.0
            for call in station.calls:
                if not call.awaits:
                    asked = min(call.calls * missing(stations, call), 1.0)
                    kept *= 1.0 - call.critical * asked * lost.get(call.to, 0.0)
            lost[caller] = 1.0 - kept
    return max((lost.get(slo.service, 0.0) for slo in aim.platform.slos if slo.error_ratio), default=0.0)


def harmful(aim: Aim, names: list[str]) -> list[str]:
    """Those whose failure is noticed."""
    return [name for name in names if harm(aim, name) >= LEAST_HARM]
