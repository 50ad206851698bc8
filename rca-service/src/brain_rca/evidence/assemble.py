"""From what a source read to the engine's evidence: names joined, series of one entity combined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity
from brain_engine.series import Edge, EdgeKind, Event, Evidence, Panel, Signal
from brain_rca.evidence.catalogue import Combine
from brain_rca.evidence.protocol import Window
from brain_rca.scope.identity import Identity


@dataclass(frozen=True, slots=True)
class RawPanel:
    """One signal as read: [N, T] values of N series, whose entities may repeat or go by different names."""

    signal: Signal
    combine: Combine
    entities: Sequence[Entity]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RawEdge:
    """One dependency as read."""

    dependent: Entity
    dependency: Entity
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event as read; see ``brain_engine.series.Event``."""

    at: float
    entity: Entity
    reason: str
    message: str
    actor: str


def grid(window: Window) -> NDArray[np.float64]:
    """The times of a window, [T]."""
    count = int(np.floor((window.end - window.baseline_start) / window.step + 1e-6)) + 1
    return np.asarray(window.baseline_start + window.step * np.arange(count), dtype=np.float64)


def assemble(
    window: Window,
    panels: Iterable[RawPanel],
    edges: Iterable[RawEdge],
    owners: Mapping[Entity, Entity],
    aliases: Mapping[str, str],
    missing: Sequence[str],
    events: Iterable[RawEvent] = (),
) -> Evidence:
    """Everything under canonical names. Signals without series are left out."""
    kept = [panel for panel in panels if len(panel.entities)]
    edges = tuple(edges)
    named = [entity for panel in kept for entity in panel.entities]
    named += [end for edge in edges for end in (edge.dependent, edge.dependency)]
    identity = Identity(named, owners, aliases)
    return Evidence(
        times=grid(window),
        window_start=window.start,
        panels=tuple(_combined(panel, identity) for panel in kept),
        edges=_edges(edges, identity),
        missing=tuple(missing),
        events=tuple(
            Event(one.at, identity.canonical(one.entity), one.reason, one.message, one.actor) for one in events
        ),
    )


def _combined(panel: RawPanel, identity: Identity) -> Panel:
    rows: dict[str, list[int]] = {}
    for row, entity in enumerate(panel.entities):
        rows.setdefault(identity.canonical(entity), []).append(row)
    names = tuple(sorted(rows))
    if len(names) == len(panel.entities):
        return Panel(panel.signal, names, panel.values[[rows[name][0] for name in names]])
    values = np.stack([_merge(panel.values[rows[name]], panel.combine) for name in names])
    return Panel(panel.signal, names, values)


def _merge(values: NDArray[np.float64], combine: Combine) -> NDArray[np.float64]:
    """One series of several; a moment without any sample stays NaN."""
    if len(values) == 1:
        return np.asarray(values[0], dtype=np.float64)
    if combine is Combine.MAX:
        return np.asarray(np.fmax.reduce(values, axis=0), dtype=np.float64)
    samples = (~np.isnan(values)).sum(axis=0)
    total = np.where(samples > 0, np.nansum(values, axis=0), np.nan)
    return total / np.maximum(samples, 1) if combine is Combine.MEAN else total


def _edges(edges: Iterable[RawEdge], identity: Identity) -> tuple[Edge, ...]:
    found = {Edge(identity.canonical(edge.dependent), identity.canonical(edge.dependency), edge.kind) for edge in edges}
    proper = [edge for edge in found if edge.dependent != edge.dependency]
    return tuple(sorted(proper, key=lambda edge: (edge.dependent, edge.dependency, edge.kind)))
