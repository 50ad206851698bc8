"""How load spreads over the stations of a platform in which nothing is wrong, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.platforms.model import Cache, Call, Database, Platform, Service, Station

DISK_READ: Final = 0.0006
"""Seconds of one read of a network volume that is not busy."""

AWAITED: Final = 0.4
"""Seconds that an answer through a topic usually takes."""

_BUSY: Final = 1.05
"""What waiting adds at usual load."""


def spread(stations: Mapping[str, Station], outside: Mapping[str, float]) -> dict[str, float]:
    """Requests/s of each station, of consumers messages/s.

    Args:
        stations: By name.
        outside: Requests/s from outside, by name of the station that gets them.
    """
    rates = {name: outside.get(name, 0.0) for name in stations}
    for name in order(stations):
        station = stations[name]
        if not isinstance(station, Service):
            continue
        for call in station.calls:
            if not call.awaits:
                rates[call.to] += rates[name] * call.calls * missing(stations, call)
        for topic, messages in station.produces.items():
            for consumer in consumers(stations, topic):
                rates[consumer] += rates[name] * messages
    return rates


def order(stations: Mapping[str, Station]) -> list[str]:
    """Callers and producers before those that they call and feed."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        station = stations[name]
        if isinstance(station, Service):
            for call in station.calls:
                if not call.awaits:
                    visit(call.to)
            for topic in station.produces:
                for consumer in consumers(stations, topic):
                    visit(consumer)
        found[name] = None

    for name in stations:
        visit(name)
    return list(reversed(found))


def consumers(stations: Mapping[str, Station], topic: str) -> list[str]:
    """Services that read a topic."""
    return [one.name for one in stations.values() if isinstance(one, Service) and one.consumes == topic]


def missing(stations: Mapping[str, Station], call: Call) -> float:
    """Share of calls that the cache in front of the callee cannot answer; 1 without one."""
    cache = stations.get(call.behind)
    return 1.0 - cache.hit_ratio if isinstance(cache, Cache) else 1.0


def callers(platform: Platform) -> dict[str, frozenset[str]]:
    """Of each station, all that call it or wait for it, directly or not."""
    direct: dict[str, set[str]] = {name: set() for name in platform.by_name}
    for service in platform.services:
        for call in service.calls:
            direct[call.to].add(service.name)
    return {name: _closure(direct, name) for name in direct}


def _closure(direct: Mapping[str, set[str]], name: str) -> frozenset[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        new = direct[todo.pop()] - found
        found |= new
        todo += new
    return frozenset(found)


def visits(platform: Platform, tops: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """[tops] calls that a station gets for each request to each of the tops, by name of the station."""
    found = {name: np.zeros(len(tops)) for name in platform.by_name}
    for number, top in enumerate(tops):
        found[top][number] += 1.0
    for name in order(platform.by_name):
        station = platform.by_name[name]
        if isinstance(station, Service):
            for call in station.calls:
                if not call.awaits:
                    found[call.to] += found[name] * call.calls * missing(platform.by_name, call)
    return found


def latencies(stations: Mapping[str, Station]) -> dict[str, float]:
    """Seconds of a request to each station at usual load, callees and some waiting included."""
    found: dict[str, float] = {}
    for name in reversed(order(stations)):
        station = stations[name]
        seconds = _alone(station)
        for call in getattr(station, "calls", ()):
            seconds += AWAITED if call.awaits else call.calls * missing(stations, call) * found[call.to]
        found[name] = seconds * _BUSY
    return found


def _alone(station: Station) -> float:
    if isinstance(station, Database):
        disk = station.reads * (1.0 - station.hit_ratio) + station.writes
        return station.own_seconds + station.cpu_seconds + disk * DISK_READ
    return float(station.own_seconds + getattr(station, "cpu_seconds", 0.0))
