"""At what a fault is aimed, and who in the platform is a worthy target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zlib import crc32

import numpy as np

from brain_common.errors import ConfigError
from brain_lab.platforms.model import Platform, Service, Slo
from brain_lab.platforms.traffic import callers, latencies, spread, visits
from brain_lab.simulate.load import course
from brain_lab.simulate.recording import Array, Truth

LEAST_REACH: Final = 0.1
"""Calls a request of a promised service, below which a station is too remote to break its promise."""

LONGEST: Final = 3.0
"""Seconds; every usual timeout is shorter."""


@dataclass(frozen=True)
class Aim:
    """Where and when.

    Attributes:
        platform: Which.
        onset: Seconds since the epoch.
        seed: Decides the target, where none is given, and the strength.
        duration: Seconds until it is over; infinity: it stays.
        target: Name of a station, topic or node; empty: the fault chooses.
        fault: Name of the fault; set by the registry, so that faults of one seed have different targets.
    """

    platform: Platform
    onset: float
    seed: int = 0
    duration: float = float("inf")
    target: str = ""
    fault: str = ""

    @cached_property
    def _callers(self) -> Mapping[str, frozenset[str]]:
        return callers(self.platform)

    def callers(self, name: str) -> frozenset[str]:
        """All that call a station or wait for it, directly or not."""
        return self._callers[name]

    @cached_property
    def rng(self) -> np.random.Generator:
        """For the strength; the target is drawn from another one."""
        return np.random.default_rng([self.seed, 13, crc32(self.fault.encode())])

    @cached_property
    def promised(self) -> frozenset[str]:
        """Services with an objective."""
        return frozenset(slo.service for slo in self.platform.slos)

    def choose(self, candidates: Sequence[str], what: str) -> str:
        """The target that was given, or one of the candidates by the seed.

        Raises:
            ConfigError: There is no candidate, or the given target is none of the platform.
        """
        if self.target:
            try:
                self.platform.entity(self.target)
            except KeyError as error:
                raise ConfigError(f"target {self.target!r}: {self.platform.name} has none of that name") from error
            return self.target
        if not candidates:
            raise ConfigError(f"{self.platform.name} has {what}")
        return candidates[
            int(np.random.default_rng([self.seed, 7, crc32(self.fault.encode())]).integers(len(candidates)))
        ]

    def services(self, fits: Callable[[Service], bool]) -> list[str]:
        """Services that fit and whose trouble reaches a promise; by preference without one of their own."""
        reaching = [
            service.name
            for service in self.platform.services
            if fits(service) and self.reach(service.name) >= LEAST_REACH
        ]
        return [name for name in reaching if name not in self.promised] or reaching

    def strength(self, at: float, ramp: float = 20.0) -> float:
        """0 before the onset and after the end, 1 in between, rising over ``ramp`` seconds."""
        if at < self.onset or at > self.onset + self.duration:
            return 0.0
        return min((at - self.onset) / ramp, 1.0) if ramp else 1.0

    @cached_property
    def _promises(self) -> tuple[Slo, ...]:
        return tuple(slo for slo in self.platform.slos if slo.latency)

    @cached_property
    def _visits(self) -> Mapping[str, Array]:
        return visits(self.platform, [slo.service for slo in self._promises])

    def reach(self, name: str) -> float:
        """Calls of a station for a request to the promised service that depends on it most; 0: to none of them."""
        return float(self._visits[name].max(initial=0.0))

    def breaking(self, name: str) -> float:
        """Seconds more of each call to a station that break a promise, at most ``LONGEST``: then calls time out."""
        limits = np.array([slo.latency for slo in self._promises])
        needed = limits / np.maximum(self._visits[name], 1e-9)
        return float(min(needed.min(initial=LONGEST), LONGEST))

    def subtle(self, names: Sequence[str]) -> list[str]:
        """The half of the stations that have to slow down least, for their size, to break a promise of others.

        A small service far down has to become a hundred times slower until somebody notices: nobody could miss it.
        """
        usual = latencies(self.platform.by_name)
        by_factor = sorted(names, key=lambda name: (self.breaking(name) / usual[name], name))
        return by_factor[: (len(by_factor) + 1) // 2]

    @cached_property
    def rates(self) -> Mapping[str, float]:
        """Requests/s of each station at the onset, if nothing is wrong."""
        outside: dict[str, float] = {}
        for entry in self.platform.entries:
            now = float(course(entry, np.array([self.onset]))[0])
            outside[entry.to] = outside.get(entry.to, 0.0) + entry.rate * now
        return spread(self.platform.by_name, outside)

    def truth(self, fault: str, name: str, kinds: tuple[str, ...], proposal: str, fix: str) -> Truth:
        """What is broken, with those that may suffer from it."""
        victims = self.callers(name) if name in self.platform.by_name else frozenset()
        return Truth(fault, self.platform.entity(name), kinds, self.onset, proposal, tuple(sorted(victims)), fix=fix)
