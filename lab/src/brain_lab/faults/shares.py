"""How many of the calls to a station have to fail until a promise is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from brain_lab.platforms.model import Platform, Service
from brain_lab.platforms.traffic import missing, order
from brain_lab.simulate.recording import Array


def breaking_shares(platform: Platform, names: Sequence[str]) -> Mapping[str, float]:
    """Of each station, the share of failing calls to it above which some service fails more than was promised.

    More than 1: no service does. Retries are not counted on: what fails for a reason fails again.
    """
    felt = _felt(platform, names)
    limits = [(slo.error_ratio, felt[slo.service]) for slo in platform.slos if slo.error_ratio]
    needed = np.array([limit / np.maximum(share, 1e-9) for limit, share in limits]).reshape(-1, len(names))
    return dict(zip(names, needed.min(axis=0, initial=2.0).tolist(), strict=True))


def _felt(platform: Platform, names: Sequence[str]) -> Mapping[str, Array]:
    """Of each station, [names] about the share of its requests that fail with the calls to each of those."""
    felt: dict[str, Array] = {}
    for station in reversed(order(platform.by_name)):
        of = platform.by_name[station]
        lost = np.array([float(station == name) for name in names])
        for call in of.calls if isinstance(of, Service) else ():
            if not call.awaits:
                weight = call.critical * min(call.calls * missing(platform.by_name, call), 1.0)
                lost = lost + weight * felt[call.to]
        felt[station] = np.minimum(lost, 1.0)
    return felt
