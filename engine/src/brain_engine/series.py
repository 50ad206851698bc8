"""Evidence as the engine sees it: one panel per signal, all panels on one time grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.tables import Lines, Spans

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
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of series.

    Attributes:
        name: Name in the signal catalogue.
        family: What it tells.
        unit: Base unit, e.g. ``seconds``, ``ratio``, ``bytes``, ``requests/s``.
        direction: Which deviation is bad.
        saturation: The value at which the resource is exhausted, in ``unit``; None when there is no such limit.
        least: The smallest change that means anything, in ``unit``: a few lost packets are no trouble, however unusual.
        out_of: Of a share, the signal that says of how many a second: one failed request of a thousand is chance.
    """

    name: str
    family: Family
    unit: str
    direction: Direction
    saturation: float | None = None
    least: float = 0.0
    out_of: str = ""


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


@dataclass(frozen=True, slots=True)
class EdgePanel:
    """One signal of many calls from one entity to another, such as how long the caller waits.

    Attributes:
        signal: Which signal.
        dependents: N callers.
        dependencies: N callees; a pair is there once.
        values: [N, T] in the signal's unit; NaN where there is no sample.
    """

    signal: Signal
    dependents: tuple[str, ...]
    dependencies: tuple[str, ...]
    values: Array


class EdgeKind(StrEnum):
    """Why one entity depends on another."""

    CALLS = "calls"
    RUNS_ON = "runs-on"
    USES = "uses"  # without calling it: a volume, a topic, something of the cloud


@dataclass(frozen=True, slots=True)
class Edge:
    """``dependent`` needs ``dependency``: a fault of the second shows in the first.

    Attributes:
        dependent: Who needs.
        dependency: Who is needed.
        kind: Why.
        source: Who says so, for people: the name of a rule, ``tempo``, ``declared``.
        rate: Calls a second in the mean; None where nobody counts.
        weight: In (0, 1]: how much of the dependent hangs on it, such as the share of its pods that run on a node.
        new: Whether it is known to have appeared in the window only.
    """

    dependent: str
    dependency: str
    kind: EdgeKind
    source: str = ""
    rate: float | None = None
    weight: float = 1.0
    new: bool = False


@dataclass(frozen=True, slots=True)
class CountPanel:
    """How often things of one kind happened: lines of log templates, warnings of Kubernetes, refused calls.

    Attributes:
        signal: Which signal; the unit says what is counted.
        entities: N names; one entity may have several rows.
        subjects: N texts that tell the rows of an entity apart: the template, the reason, the error.
        hits: [N, T] how often, in the step that begins at each time; NaN where nobody looked.
    """

    signal: Signal
    entities: tuple[str, ...]
    subjects: tuple[str, ...]
    hits: Array


class EventKind(StrEnum):
    """What kind of news an event is."""

    HAPPENED = "happened"  # Kubernetes and others tell what goes on
    CHANGE = "change"  # somebody or something changed the system
    SECURITY = "security"  # a rule about attacks matched
    COST = "cost"  # the bill left its usual course


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an entity: a rollout, an edited ConfigMap, a killed container.

    Attributes:
        at: Seconds since the epoch.
        entity: To what.
        reason: One word.
        message: One sentence.
        actor: Who did it; empty where nobody is known.
        kind: What kind of news.
        warning: Its source takes it for bad news.
        count: How many happenings it stands for.
    """

    at: float
    entity: str
    reason: str
    message: str
    actor: str
    kind: EventKind = EventKind.HAPPENED
    warning: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known about a window.

    Attributes:
        times: [T] seconds since the epoch, ascending: baseline first, then the window. Evenly spaced, but for gaps
            in the baseline (the same hour of earlier days).
        window_start: Where the window that may hold the onset begins; samples before it are the baseline.
        panels: At most one per signal.
        edges: Known dependencies; cycles are normal.
        edge_panels: What is measured of calls instead of entities; at most one per signal.
        missing: What could not be fetched, one sentence each.
        events: What happened, oldest first.
        counts: What was counted instead of measured.
        spans: What requests did on their way; None where no traces are read.
        lines: What programs wrote; None where no logs are read line by line.
    """

    times: Array
    window_start: float
    panels: tuple[Panel, ...]
    edges: tuple[Edge, ...] = ()
    missing: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    counts: tuple[CountPanel, ...] = ()
    spans: Spans | None = None
    lines: Lines | None = None
    edge_panels: tuple[EdgePanel, ...] = ()

    @property
    def step(self) -> float:
        """Seconds between two samples; 0 where there are not two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0


def with_detail(evidence: Evidence, closely: Evidence) -> Evidence:
    """The evidence together with what a closer look at a part of its entities brought."""
    known = {(edge.dependent, edge.dependency) for edge in evidence.edges}
    return replace(
        evidence,
        edges=(*evidence.edges, *(edge for edge in closely.edges if (edge.dependent, edge.dependency) not in known)),
        counts=(*evidence.counts, *closely.counts),
        spans=closely.spans if closely.spans is not None else evidence.spans,
        lines=closely.lines if closely.lines is not None else evidence.lines,
        missing=(*evidence.missing, *closely.missing),
    )
