"""The same case under other names and in another order: whatever still holds afterwards is not read from a name.

Names decide nothing but the order among exact equals, which is no order: a ranking that breaks a tie by name is the
same ranking. So two answers are the same if every name has the same probability in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from brain_lab.recorded.flow import Flow
from brain_lab.recorded.model import AlertTarget, CallKey, RecordedCase, Recording, SeriesKey

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EQUAL = 1e-6  # of probabilities: sums in another order differ in their last digits


@dataclass(frozen=True, slots=True)
class Renaming:
    """New names of services, and the way back.

    Attributes:
        new: By old name.
        seed: Of the order of columns.
    """

    new: Mapping[str, str]
    seed: int

    def case(self, case: RecordedCase) -> RecordedCase:
        """The case under the new names, its columns and edges shuffled."""
        drawn = np.random.default_rng(self.seed)
        edges = [(self.new[caller], self.new[callee]) for caller, callee in case.edges]
        target = case.target
        return replace(
            case,
            normal=self._recording(case.normal, drawn),
            incident=self._recording(case.incident, drawn),
            edges=tuple(edges[at] for at in drawn.permutation(len(edges))),
            target=AlertTarget(self.new[target.entity], target.measure) if target is not None else None,
        )

    def back(self, names: Iterable[str]) -> tuple[str, ...]:
        """The old names."""
        old = {new: name for name, new in self.new.items()}
        return tuple(old.get(name, name) for name in names)

    def _recording(self, recording: Recording, drawn: np.random.Generator) -> Recording:
        keys = list(recording.values)
        order = [keys[at] for at in drawn.permutation(len(keys))]
        return Recording(
            recording.times,
            {SeriesKey(self.new[key.entity], key.measure): recording.values[key] for key in order},
            {
                CallKey(self.new[key.caller], self.new[key.callee], key.end): values
                for key, values in recording.calls.items()
            },
            self._flow(recording.flow) if recording.flow is not None else None,
        )

    def _flow(self, flow: Flow) -> Flow:
        entities = tuple(self.new[name] for name in flow.spans.entities)
        return replace(flow, spans=replace(flow.spans, entities=entities))


def renamings(case: RecordedCase, seed: int) -> tuple[Renaming, Renaming]:
    """One that shuffles the alphabetical order of the services, and one that turns it round."""
    services = _services(case)
    names = _names(len(services), seed)
    turned = sorted(names, reverse=True)
    return (
        Renaming(dict(zip(services, names, strict=True)), seed),
        Renaming(dict(zip(services, turned, strict=True)), seed + 1),
    )


def same_ranking(one: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]) -> bool:
    """Whether two lists of (name, probability), best first, say the same.

    A list that ends in a tie may hold any of those that tie there.
    """
    if len(one) != len(other):
        return False
    return _within(dict(one), dict(other)) and _within(dict(other), dict(one))


def _within(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    last = min(other.values(), default=0.0)
    return all(math.isclose(value, other.get(name, last), rel_tol=_EQUAL, abs_tol=1e-12) for name, value in one.items())


def _services(case: RecordedCase) -> list[str]:
    measured = {key.entity for part in (case.normal, case.incident) for key in part.values}
    alerting = {case.target.entity} if case.target is not None else set()
    calling = {end for key in case.normal.calls for end in (key.caller, key.callee)}
    traced = {
        name for part in (case.normal, case.incident) if part.flow is not None for name in part.flow.spans.entities
    }
    return sorted(measured | alerting | calling | traced | {end for edge in case.edges for end in edge})


def _names(count: int, seed: int) -> list[str]:
    """Distinct words of letters, in no order."""
    drawn = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(drawn.choice(list(_LETTERS), int(drawn.integers(5, 13))))] = None
    return list(found)
