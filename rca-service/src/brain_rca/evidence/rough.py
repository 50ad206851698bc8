"""Large answers in two steps: every series at few moments, then each moment of those that deviate and their neighbours.

Thousands of services times a hundred signals are more samples than can be fetched while somebody waits, and nearly all
of them say that nothing happened. A value at few moments is that of the time since the moment before, by which an onset
may seem earlier by one rough step; of what deviates, the closer look puts that right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_common.clients.prometheus import Matrix
from brain_common.entity import Entity
from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.series import Evidence, Panel, Signal
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.catalogue import SignalRule
from brain_rca.evidence.promql import narrowed
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawEdge, RawPanel

RAW_SAMPLES = 720_000
"""A larger answer is fetched in two steps: 2,000 series of an hour and a half at 15 s."""

_MOMENTS = 32  # of a rough answer: a fault of five minutes in two hours has at least one
_CLOSELY = 600  # series of a signal that are looked at closely, those that deviate most first
_NAMES = 200  # entities in one query: a server refuses texts without end
_SUSPICIOUS = 3.0  # nats


@dataclass(frozen=True, slots=True)
class Rough:
    """A signal of which only few moments are known.

    Attributes:
        name: Of the signal.
        rule: Of the catalogue.
        labels: Of each series.
        panel: The values held until the next moment; a closer look writes into it.
        nats: [N] how unusual each series seems.
    """

    name: str
    rule: SignalRule
    labels: Sequence[Mapping[str, str]]
    panel: RawPanel
    nats: NDArray[np.float64]


def rough_step(window: Window) -> float:
    """A multiple of the window's step."""
    return window.step * max(round((len(grid(window)) - 1) / _MOMENTS), 1)


def rough_start(window: Window) -> float:
    """The first moment, from which the last one is the window's end."""
    step = rough_step(window)
    return window.end - step * ((window.end - window.baseline_start + 1e-6) // step)


def rough(name: str, rule: SignalRule, matrix: Matrix, cluster: str, window: Window) -> Rough:
    """What few moments tell of a signal."""
    named = [(row, rule.entity.entity(labels, cluster)) for row, labels in enumerate(matrix.labels)]
    rows = [row for row, entity in named if entity is not None]
    entities = [entity for _, entity in named if entity is not None]
    values = matrix.values[rows]
    at = np.minimum(np.searchsorted(matrix.times, grid(window) - 1e-3), len(matrix.times) - 1)
    return Rough(
        name,
        rule,
        [matrix.labels[row] for row in rows],
        RawPanel(rule.signal(name), rule.combine, entities, values[:, at]),
        _unusual(rule.signal(name), matrix.times, values, window),
    )


def _unusual(
    signal: Signal, times: NDArray[np.float64], values: NDArray[np.float64], window: Window
) -> NDArray[np.float64]:
    panel = Panel(signal, tuple(map(str, range(len(values)))), values)
    return RobustShift().deviations(Evidence(times, window.start, (panel,)), panel).nats


def near(roughs: Iterable[Rough], edges: Iterable[RawEdge]) -> frozenset[Entity]:
    """Who deviates in any signal, and whom they need or are needed by."""
    deviating = {
        entity
        for one in roughs
        for entity, nats in zip(one.panel.entities, one.nats, strict=True)
        if nats > _SUSPICIOUS
    }
    found = set(deviating)
    for edge in edges:
        if edge.dependent in deviating or edge.dependency in deviating:
            found |= {edge.dependent, edge.dependency}
    return frozenset(found)


def closer_queries(one: Rough, entities: frozenset[Entity], query: str) -> Iterator[str]:
    """The signal's query for these entities only, in batches; nothing where it cannot be asked for a part."""
    rows = [row for row, entity in enumerate(one.panel.entities) if entity in entities]
    rows = sorted(rows, key=lambda row: -one.nats[row])[:_CLOSELY]
    by_label: dict[str, set[str]] = {}
    for row in rows:
        label = next(name for name in one.rule.entity.name if one.labels[row].get(name))
        by_label.setdefault(label, set()).add(one.labels[row][label])
    for label, names in sorted(by_label.items()):
        ordered = sorted(names)
        for begin in range(0, len(ordered), _NAMES):
            if text := narrowed(query, label, ordered[begin : begin + _NAMES]):
                yield text


def put_right(one: Rough, matrix: Matrix) -> None:
    """Each moment of the series in an answer; those that the rough look did not have are left out."""
    rows = {frozenset(labels.items()): row for row, labels in enumerate(one.labels)}
    for labels, values in zip(matrix.labels, matrix.values, strict=True):
        row = rows.get(frozenset(labels.items()))
        if row is not None:
            one.panel.values[row] = values
