"""From what sources read to the engine's evidence: names joined, series of one entity combined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity
from brain_engine.flow.tables import Lines, Spans
from brain_engine.series import CountPanel, EdgePanel, Event, Evidence, Panel
from brain_rca.evidence.catalogue import Combine
from brain_rca.evidence.edges import joined_edges
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawCounts, RawEdgePanel, RawEvent, RawEvidence, RawPanel
from brain_rca.scope.identity import Identity


def grid(window: Window) -> NDArray[np.float64]:
    """The times of a window, [T]."""
    count = int(np.floor((window.end - window.baseline_start) / window.step + 1e-6)) + 1
    return np.asarray(window.baseline_start + window.step * np.arange(count), dtype=np.float64)


def identity_of(raw: RawEvidence, aliases: Mapping[str, str]) -> Identity:
    """How everything that the evidence names is called."""
    named = [entity for panel in raw.panels for entity in panel.entities]
    named += [entity for one in raw.counts for entity in one.entities]
    named += [end for one in raw.edge_panels for end in (*one.dependents, *one.dependencies)]
    named += [end for edge in raw.edges for end in (edge.dependent, edge.dependency)]
    return Identity(named, raw.owners, aliases)


def assemble(window: Window, raw: RawEvidence, identity: Identity) -> Evidence:
    """Everything under canonical names. Signals without series are left out."""
    panels = sorted((panel for panel in raw.panels if len(panel.entities)), key=lambda panel: panel.signal.name)
    return Evidence(
        times=grid(window),
        window_start=window.start,
        panels=tuple(_combined(panel, identity) for panel in panels),
        edges=joined_edges(raw.edges, identity),
        missing=tuple(raw.missing),
        events=_events(raw.events, identity),
        counts=tuple(_counted(one, identity) for one in raw.counts if len(one.entities)),
        spans=_spans(raw.spans, identity) if raw.spans is not None else None,
        lines=_lines(raw.lines, identity) if raw.lines is not None else None,
        edge_panels=tuple(_of_calls(one, identity) for one in raw.edge_panels if len(one.dependents)),
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


def _of_calls(panel: RawEdgePanel, identity: Identity) -> EdgePanel:
    rows: dict[tuple[str, str], list[int]] = {}
    for row, (dependent, dependency) in enumerate(zip(panel.dependents, panel.dependencies, strict=True)):
        pair = identity.canonical(dependent), identity.canonical(dependency)
        if pair[0] != pair[1]:
            rows.setdefault(pair, []).append(row)
    pairs = sorted(rows)
    merged = [_merge(panel.values[rows[pair]], panel.combine) for pair in pairs]
    values = np.stack(merged) if merged else np.empty((0, panel.values.shape[1]))
    return EdgePanel(
        panel.signal,
        tuple(dependent for dependent, _ in pairs),
        tuple(dependency for _, dependency in pairs),
        values,
    )


def _merge(values: NDArray[np.float64], combine: Combine) -> NDArray[np.float64]:
    """One series of several; a moment without any sample stays NaN."""
    if len(values) == 1:
        return np.asarray(values[0], dtype=np.float64)
    if combine is Combine.MAX:
        return np.asarray(np.fmax.reduce(values, axis=0), dtype=np.float64)
    samples = (~np.isnan(values)).sum(axis=0)
    total = np.where(samples > 0, np.nansum(values, axis=0), np.nan)
    return total / np.maximum(samples, 1) if combine is Combine.MEAN else total


def _counted(counts: RawCounts, identity: Identity) -> CountPanel:
    rows: dict[tuple[str, str], list[int]] = {}
    for row, (entity, subject) in enumerate(zip(counts.entities, counts.subjects, strict=True)):
        rows.setdefault((identity.canonical(entity), subject), []).append(row)
    keys = sorted(rows)
    return CountPanel(
        counts.signal,
        tuple(entity for entity, _ in keys),
        tuple(subject for _, subject in keys),
        np.stack([_merge(counts.hits[rows[key]], Combine.SUM) for key in keys]),
    )


def _events(events: Iterable[RawEvent], identity: Identity) -> tuple[Event, ...]:
    """Oldest first, whichever source they came from."""
    found = [
        Event(
            one.at,
            identity.canonical(one.entity),
            one.reason,
            one.message,
            one.actor,
            one.kind,
            one.warning,
            one.count,
        )
        for one in events
    ]
    return tuple(sorted(found, key=lambda event: (event.at, event.entity, event.reason, event.message)))


def _spans(spans: Spans, identity: Identity) -> Spans:
    names, index = _renamed(spans.entities, identity)
    return replace(spans, entities=names, entity=index[spans.entity])


def _lines(lines: Lines, identity: Identity) -> Lines:
    names, index = _renamed(lines.entities, identity)
    return replace(lines, entities=names, entity=index[lines.entity])


def _renamed(names: Sequence[str], identity: Identity) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The canonical names, each once, and where each of the given ones is among them."""
    canonical = [identity.canonical(Entity.parse(name)) for name in names]
    known = tuple(sorted(set(canonical)))
    place = {name: number for number, name in enumerate(known)}
    return known, np.array([place[name] for name in canonical], dtype=np.int64)
