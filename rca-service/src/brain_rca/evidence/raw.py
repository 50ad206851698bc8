"""What a source read, before names are joined: called by every source, taken in by ``assemble``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity
from brain_engine.flow.tables import Lines, Spans
from brain_engine.series import EdgeKind, EventKind, Signal
from brain_rca.evidence.catalogue import Combine


def no_query(rows: Sequence[int]) -> str:
    """Of a source that has nothing that people could ask it."""
    return ""


@dataclass(frozen=True, slots=True)
class RawPanel:
    """One signal as read: [N, T] values of N series, whose entities may repeat or go by different names.

    ``query_of`` gives the query that shows some rows and no others; empty where there is none.
    """

    signal: Signal
    combine: Combine
    entities: Sequence[Entity]
    values: NDArray[np.float64]
    query_of: Callable[[Sequence[int]], str] = no_query


@dataclass(frozen=True, slots=True)
class RawCounts:
    """Counts as read; see ``brain_engine.series.CountPanel``. Rows of one entity and subject are added up."""

    signal: Signal
    entities: Sequence[Entity]
    subjects: Sequence[str]
    hits: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RawEdge:
    """One dependency as read; see ``brain_engine.series.Edge``."""

    dependent: Entity
    dependency: Entity
    kind: EdgeKind
    source: str = ""
    rate: float | None = None
    weight: float = 1.0
    new: bool = False


@dataclass(frozen=True, slots=True)
class RawEdgePanel:
    """One signal of calls as read: [N, T] values of N series; pairs may repeat or go by different names."""

    signal: Signal
    combine: Combine
    dependents: Sequence[Entity]
    dependencies: Sequence[Entity]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event as read; see ``brain_engine.series.Event``."""

    at: float
    entity: Entity
    reason: str
    message: str
    actor: str
    kind: EventKind = EventKind.HAPPENED
    warning: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class RawEvidence:
    """Everything one source has to say about a window; the entities of spans and lines are in their text form.

    ``lines`` refer to rows of the ``spans`` beside them.
    """

    panels: Sequence[RawPanel] = ()
    counts: Sequence[RawCounts] = ()
    edges: Sequence[RawEdge] = ()
    events: Sequence[RawEvent] = ()
    owners: Mapping[Entity, Entity] = field(default_factory=dict)
    spans: Spans | None = None
    lines: Lines | None = None
    missing: Sequence[str] = ()
    edge_panels: Sequence[RawEdgePanel] = ()


def merged(parts: Iterable[RawEvidence]) -> RawEvidence:
    """The parts of several sources as one; of a signal, of spans and of lines those of the first that has them."""
    parts = list(parts)
    detailed = next((part for part in parts if part.spans is not None), None)
    written = detailed if detailed is not None and detailed.lines is not None else None
    written = written or next((part for part in parts if part.lines is not None and part.spans is None), None)
    return RawEvidence(
        panels=list({panel.signal.name: panel for part in reversed(parts) for panel in part.panels}.values()),
        counts=list({one.signal.name: one for part in reversed(parts) for one in part.counts}.values()),
        edges=[edge for part in parts for edge in part.edges],
        events=[event for part in parts for event in part.events],
        owners={pod: owner for part in reversed(parts) for pod, owner in part.owners.items()},
        spans=detailed.spans if detailed else None,
        lines=written.lines if written else None,
        missing=[text for part in parts for text in part.missing],
        edge_panels=list({panel.signal.name: panel for part in reversed(parts) for panel in part.edge_panels}.values()),
    )
