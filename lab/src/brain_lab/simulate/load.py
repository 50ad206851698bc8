"""What varies by itself: how many requests come in from outside, and how long each station takes for one."""

from __future__ import annotations

import numpy as np

from brain_lab.platforms.model import Cache, Curve, Database, Entry, External
from brain_lab.simulate.network import Array, Network
from brain_lab.simulate.recording import TICK

_WANDER = 0.025
"""Relative standard deviation of the slow change of an entry's load, over some minutes."""

_UNEVEN = {Database: 0.22, Cache: 0.12, External: 0.25}
"""The same of service times over half a minute: a query is cheap or it is not, and the internet has its moments."""

_UNEVEN_SERVICES = (0.03, 0.14)
"""Of services: some always do the same, some what they are asked for."""


def incoming(network: Network, times: Array, rng: np.random.Generator) -> Array:
    """[T, S] requests/s at each station from outside."""
    load = np.zeros((len(times), len(network.names)))
    column = {name: n for n, name in enumerate(network.names)}
    for entry in network.platform.entries:
        mean = entry.rate * course(entry, times) * wander(rng, len(times), _WANDER)
        load[:, column[entry.to]] += rng.poisson(np.maximum(mean, 0.0) * TICK) / TICK
    return load


def service_times(network: Network, count: int, rng: np.random.Generator) -> Array:
    """[count, S] factors of service times."""
    own = rng.uniform(*_UNEVEN_SERVICES, len(network.names))
    spread = [_UNEVEN.get(type(station), own[n]) for n, station in enumerate(network.platform.stations)]
    return np.asarray(wanders(rng, count, len(spread), 1.0) ** np.array(spread))


def course(entry: Entry, times: Array) -> Array:
    """[T] the entry's load over its mean, or 0 and 1 for a batch."""
    hours = (times / 3600.0) % 24.0
    if entry.curve is Curve.BATCH:
        return ((times % entry.period) / entry.period < entry.share).astype(np.float64)
    if entry.curve is Curve.OFFICE:
        peaks = np.exp(-(((hours - 10.5) / 2.2) ** 2)) + np.exp(-(((hours - 15.0) / 2.4) ** 2))
        return np.asarray(0.45 + 0.95 * peaks)
    if entry.curve is Curve.EVENING:
        return np.asarray(1.0 + 0.45 * np.cos((hours - 19.0) / 24.0 * 2.0 * np.pi))
    return np.ones(len(times))


def wander(rng: np.random.Generator, count: int, spread: float, width: int = 24) -> Array:
    """[count] factors around 1 that change over ``width`` ticks."""
    white = rng.normal(0.0, 1.0, count + width - 1)
    sums = np.concatenate([[0.0], np.cumsum(white)])
    return np.asarray(np.exp(spread * (sums[width:] - sums[:-width]) / np.sqrt(width)))


def wanders(rng: np.random.Generator, count: int, columns: int, spread: float, width: int = 6) -> Array:
    """[count, columns] the same for many at once."""
    white = rng.normal(0.0, 1.0, (count + width - 1, columns))
    sums = np.concatenate([np.zeros((1, columns)), np.cumsum(white, axis=0)])
    return np.asarray(np.exp(spread * (sums[width:] - sums[:-width]) / np.sqrt(width)))
