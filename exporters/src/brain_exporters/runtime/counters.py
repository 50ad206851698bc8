"""Counters with a bounded number of series, exposed in the order they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily

from brain_exporters.runtime.batch import Labels

OTHER: Final = "other"
"""Value of every label of the series that takes what has no room for a series of its own."""


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """One counter: ``name`` without ``_total``."""

    name: str
    help: str
    labels: Labels


class Counter:
    """All series of one counter.

    Args:
        spec: What it is called.
        max_series: How many series it may have, besides the one for all others.
    """

    def __init__(self, spec: CounterSpec, max_series: int) -> None:
        self.spec = spec
        self.values: dict[Labels, float] = {}
        self._max_series = max_series
        self._overflow = (OTHER,) * len(spec.labels)

    def place(self, amounts: Mapping[Labels, float]) -> dict[Labels, float]:
        """Where the amounts go, and what each series then is: new values by labels. Nothing is changed yet."""
        placed: dict[Labels, float] = {}
        room = self._max_series - len(self.values) + (self._overflow in self.values)
        for labels, amount in amounts.items():
            known = labels in self.values or labels in placed
            if not known and room <= 0:
                labels = self._overflow
            elif not known:
                room -= 1
            placed[labels] = placed.get(labels, self.values.get(labels, 0.0)) + amount
        return placed

    def family(self) -> CounterMetricFamily:
        """A fresh family, for who has few series; a scrape writes text instead."""
        family = CounterMetricFamily(self.spec.name, self.spec.help, labels=self.spec.labels)
        for labels, value in self.values.items():
            family.add_metric(labels, value)
        return family


def by_name(specs: Iterable[CounterSpec], max_series: int) -> dict[str, Counter]:
    """The counters of an exporter."""
    return {spec.name: Counter(spec, max_series) for spec in specs}
