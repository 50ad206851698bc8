"""The query that shows one entity and no other, as a person would paste it into Prometheus.

The catalogue asks for all entities at once, by a union over all sources that may measure the same. Here only those
parts are left that the server has metrics for, each with the labels by which the series was found. A query of all
entities is kept where it cannot be narrowed: the entity is then made up by the query itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from brain_rca.evidence.catalogue import EntityRule
from brain_rca.evidence.promql import alternatives, metrics_of, narrowed
from brain_rca.evidence.raw import RawPanel
from brain_rca.scope.identity import Identity

_LISTED: Final = 20  # names in a query, such as pods of a service: more cannot be told apart in a graph either


def alone(query: str, rule: EntityRule, series: Sequence[Mapping[str, str]], has: Callable[[str], bool]) -> str:
    """``query`` for some of the series that it answered with.

    Args:
        query: PromQL of the catalogue, with a range in place of ``$window``.
        rule: Which labels name the entity.
        series: Labels of the series; each has one of the rule's names.
        has: Whether the server has a metric.
    """
    there = [part for part in alternatives(" ".join(query.split())) if any(map(has, metrics_of(part)))]
    union = " or ".join(there)
    by_label: dict[str, list[Mapping[str, str]]] = {}
    for labels in series:
        by_label.setdefault(next(name for name in rule.name if labels.get(name)), []).append(labels)
    parts = (
        narrowed(union, label, _values(label, found), _places(rule, found)) for label, found in sorted(by_label.items())
    )
    return " or ".join(filter(None, parts)) or union


class Queries:
    """Implements ``QueryOf`` over what was read.

    Args:
        panels: As read.
        identity: How their entities are called in the evidence.
    """

    def __init__(self, panels: Sequence[RawPanel], identity: Identity) -> None:
        self._panels = {panel.signal.name: (panel.entities, panel.query_of) for panel in panels}
        self._identity = identity
        self._rows: dict[str, dict[str, list[int]]] = {}  # by signal and canonical name

    def __call__(self, signal: str, entity: str) -> str:
        if signal not in self._panels:
            return ""
        entities, query_of = self._panels[signal]
        if signal not in self._rows:
            self._rows[signal] = {}
            for row, one in enumerate(entities):
                self._rows[signal].setdefault(self._identity.canonical(one), []).append(row)
        rows = self._rows[signal].get(entity)
        return query_of(rows) if rows else ""


def _values(label: str, series: Sequence[Mapping[str, str]]) -> list[str]:
    return sorted({labels[label] for labels in series})[:_LISTED]


def _places(rule: EntityRule, series: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Where the entity is: without it, namesakes elsewhere would be shown as well."""
    labels = [label for label in (*rule.namespace, "cluster") if all(one.get(label) for one in series)]
    return {label: _values(label, series) for label in labels}
