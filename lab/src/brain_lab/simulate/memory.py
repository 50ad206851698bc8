"""Memory of pods: what an idle process holds, what requests inside add, and the saw-tooth of a garbage collector."""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.platforms.model import Service
from brain_lab.simulate.network import Array, Index

_TEETH: Final = {"java": 0.22, "dotnet": 0.15, "nodejs": 0.10, "python": 0.03, "go": 0.08}
"""Height of a tooth as a share of what is free between base and limit."""


class Memory:
    """Of each pod slot; pure but for the draws at the start."""

    def __init__(self, services: tuple[Service, ...], service: Index, rng: np.random.Generator) -> None:
        self._service = service
        self._base = np.array([one.memory_base for one in services])[service]
        self._each = np.array([one.memory_per_request for one in services])
        teeth = np.array([_TEETH.get(one.language, 0.05) for one in services])[service]
        room = np.array([one.memory_limit for one in services])[service] - self._base
        self._tooth = teeth * np.maximum(room, 0.0)
        self._period = rng.uniform(150.0, 700.0, len(service))
        self._phase = rng.uniform(0.0, 1.0, len(service))
        self._base *= rng.uniform(0.96, 1.04, len(service))

    def of(self, at: float, inside: Array, ready: Array, added: Array, alive: Array) -> Array:
        """[P] bytes.

        Args:
            at: Seconds since the epoch.
            inside: [services] requests inside.
            ready: [services] replicas that share them.
            added: [P] further bytes.
            alive: [P] 1 for containers that run.
        """
        requests = (inside * self._each / np.maximum(ready, 1.0))[self._service]
        tooth = self._tooth * ((at / self._period + self._phase) % 1.0)
        return np.asarray((self._base + tooth + requests + added) * alive)
