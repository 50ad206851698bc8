"""How many of the calls to a station have to fail until a promise is broken."""

from __future__ import annotations

from collections.abc import Mapping

from brain_lab.platforms.model import Platform, Service
from brain_lab.platforms.traffic import missing, order


def breaking_share(platform: Platform, name: str) -> float:
    """Share of failing calls to a station above which some service fails more than was promised; more than 1: none.

    Retries are not counted on: what fails for a reason fails again.
    """
    felt = _felt(platform, name)
    needed = [slo.error_ratio / felt[slo.service] for slo in platform.slos if slo.error_ratio and felt[slo.service]]
    return min(needed, default=2.0)


def _felt(platform: Platform, name: str) -> Mapping[str, float]:
    """Of each station, about the share of its requests that fail with the calls to that one."""
    felt: dict[str, float] = {}
    for station in reversed(order(platform.by_name)):
        of = platform.by_name[station]
        calls = of.calls if isinstance(of, Service) else ()
        lost = sum(
            call.critical * min(call.calls * missing(platform.by_name, call), 1.0) * felt[call.to]
            for call in calls
            if not call.awaits
        )
        felt[station] = 1.0 if station == name else min(lost, 1.0)
    return felt
