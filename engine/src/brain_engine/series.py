"""Evidence as the engine sees it: one panel per signal, all panels on one time grid."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Direction(StrEnum):
    """Which deviation is bad news."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Family(StrEnum):
    """What a signal tells about its entity; the fault kinds are derived from it."""

    LATENCY = "latency"
    ERRORS = "errors"
    LOAD = "load"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    NETWORK = "network"
    SATURATION = "saturation"
    RESTARTS = "restarts"
    AVAILABILITY = "availability"


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of series.

    Attributes:
        name: Name in the signal catalogue.
        family: What it tells.
        unit: Base unit, e.g. ``seconds``, ``ratio``, ``bytes``, ``requests/s``.
        direction: Which deviation is bad.
        saturation: The value at which the resource is exhausted, in ``unit``; None when there is no such limit.
    """

    name: str
    family: Family
    unit: str
    direction: Direction
    saturation: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One signal of many entities.

    Attributes:
        signal: Which signal.
        entities: N names, unique.
        values: [N, T] in the signal's unit; NaN where there is no sample.
    """

    signal: Signal
    entities: tuple[str, ...]
    values: Array


class EdgeKind(StrEnum):
    """Why one entity depends on another."""

    CALLS = "calls"
    RUNS_ON = "runs-on"


@dataclass(frozen=True, slots=True)
class Edge:
    """``dependent`` needs ``dependency``: a fault of the second shows in the first."""

    dependent: str
    dependency: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an entity: a rollout, an edited ConfigMap, a killed container.

    Attributes:
        at: Seconds since the epoch.
        entity: To what.
        reason: One word.
        message: One sentence.
        actor: Who did it; empty where nobody is known.
    """

    at: float
    entity: str
    reason: str
    message: str
    actor: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known about a window.

    Attributes:
        times: [T] seconds since the epoch, ascending: baseline first, then the window. Evenly spaced, but for gaps
            in the baseline (the same hour of earlier days).
        window_start: Where the window that may hold the onset begins; samples before it are the baseline.
        panels: At most one per signal.
        edges: Known dependencies; cycles are normal.
        missing: What could not be fetched, one sentence each.
        events: What happened, oldest first.
    """

    times: Array
    window_start: float
    panels: tuple[Panel, ...]
    edges: tuple[Edge, ...] = ()
    missing: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
