"""The plug point for rankers, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from brain_engine.findings import Finding
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.series import Evidence, Family

DISCOUNTS: Final = (1.0, 0.5, 0.25, 0.125)
"""Of the best findings of one entity, the best first; further ones count nothing.

Signals of one entity are strongly dependent (p50 and p99 of one latency), so plain summing would count one fact many
times and favour entities that merely have more series.
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a ranker may look at.

    Attributes:
        evidence: The panels and edges.
        findings: What deviates, strongest first.
        graph: The dependencies.
        alerting: Entities the alerts are about.
        since: When the first of them began to fire, seconds since the epoch; None where nobody knows.
    """

    evidence: Evidence
    findings: tuple[Finding, ...]
    graph: DependencyGraph
    alerting: tuple[str, ...]
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Weighing:
    """One step on the way to a weight, so that people can follow the number.

    Attributes:
        what: In plain words, without the entity's name: ``latency p99``, ``changed shortly before``.
        nats: What the step added or took away; the steps of a candidate sum up to its weight.
        how: What the nats were made of: ``12.3 nats × 0.63 its own share of the trouble``; may be empty.
    """

    what: str
    nats: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that may be the cause.

    Attributes:
        entity: Which.
        weight: Evidence that it is the cause, in nats; > 0.
        against: What speaks against it, in plain words.
        parts: How the weight came about, in the order of the steps; empty where a ranker does not tell.
        families: The strongest evidence of each family, in nats as the ranker weighs it; empty where it does not tell.
    """

    entity: str
    weight: float
    against: tuple[str, ...] = ()
    parts: tuple[Weighing, ...] = ()
    families: Mapping[Family, float] = field(default_factory=dict)


class Ranker(Protocol):
    """Orders candidates, best first. Deterministic: ties are broken by name.

    Who has too little weight to be named (``judge.NAMED_FROM``) is a suspect at most.
    """

    name: str

    def rank(self, situation: Situation) -> Sequence[Candidate]: ...


def ordered(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Best first, ties by name, so that the order of columns never decides."""
    return tuple(sorted(candidates, key=lambda candidate: (-candidate.weight, candidate.entity)))


def combined(nats: Sequence[float]) -> float:
    """Evidence of several findings of one entity: the best four, discounted by place."""
    return sum(value * discount for value, discount in zip(sorted(nats, reverse=True), DISCOUNTS, strict=False))
