"""At what a fault is aimed, and who in the platform is a worthy target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from brain_common.errors import ConfigError
from brain_lab.platforms.model import Platform, Service, Slo
from brain_lab.platforms.traffic import callers, spread
from brain_lab.simulate.load import course
from brain_lab.simulate.recording import Truth


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
            if fits(service) and (self.callers(service.name) & self.promised or service.name in self.promised)
        ]
        return [name for name in reaching if name not in self.promised] or reaching

    def strength(self, at: float, ramp: float = 20.0) -> float:
        """0 before the onset and after the end, 1 in between, rising over ``ramp`` seconds."""
        if at < self.onset or at > self.onset + self.duration:
            return 0.0
        return min((at - self.onset) / ramp, 1.0) if ramp else 1.0

    def reaching(self, name: str) -> Slo | None:
        """The tightest promise about latency that trouble of a station would break; None: there is none."""
        slos = [slo for slo in self.platform.slos if slo.latency and slo.service in {name, *self.callers(name)}]
        return min(slos, key=lambda slo: slo.latency, default=None)

    def limit(self, name: str) -> float:
        """Seconds of that promise, or one second."""
        slo = self.reaching(name)
        return slo.latency if slo else 1.0

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
