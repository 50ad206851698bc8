"""The step: what a group's rules decide together is done to its records in one go."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from brain_otel.batch import Group
from brain_otel.enrich.filter.conditions import OnGroup, OnRecord, on_group, on_record
from brain_otel.enrich.filter.config import OTHERWISE, FilterSettings
from brain_otel.enrich.kind import Context
from brain_otel.enrich.own_counter import own_counter


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    drops: bool
    on_group: OnGroup
    on_record: OnRecord | None


class Filter:
    """Asks rules in their order; the first that fits a record decides, and if none does, ``otherwise``."""

    def __init__(self, settings: FilterSettings, context: Context) -> None:
        self._rules = tuple(
            _Rule(rule.name, rule.action == "drop", on_group(rule), on_record(rule)) for rule in settings.rules
        )
        self._otherwise = _Rule(OTHERWISE, settings.otherwise == "drop", lambda _: True, None)
        self._filtered = own_counter(
            context, "filter", "brain_otel_filtered", "Records that a rule dropped.", ["rule", "signal"]
        )

    def enrich(self, group: Group) -> None:
        """Take away what has to go."""
        rules = self._of(group)
        if not any(rule.drops for rule in rules):
            return
        if len(rules) == 1:
            self._filtered.labels(rules[0].name, group.signal).inc(group.drop())
            return
        dropped: Tally[str] = Tally()
        group.keep(lambda record: _keeps(rules, record, dropped))
        for name, count in dropped.items():
            self._filtered.labels(name, group.signal).inc(count)

    def _of(self, group: Group) -> Sequence[_Rule]:
        """Rules that may decide about its records; the last of them decides about any."""
        rules = []
        for rule in (*self._rules, self._otherwise):
            if rule.on_group(group):
                rules.append(rule)
                if rule.on_record is None:
                    break
        return rules


def _keeps(rules: Sequence[_Rule], record: Any, dropped: Tally[str]) -> bool:  # noqa: ANN401 - any record
    for rule in rules:
        if rule.on_record is None or rule.on_record(record):
            if rule.drops:
                dropped[rule.name] += 1
            return not rule.drops
    return True
