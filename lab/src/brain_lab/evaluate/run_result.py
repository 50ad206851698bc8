"""What one run of a scenario came to: the truth, and everything the product said about it.

Made by whoever simulates a scenario and asks the product; read by the scores and by the report. Plain data that
travels between processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

from brain_common.entity import Entity, EntityKind


@dataclass(frozen=True, slots=True)
class SaidCause:
    """A cause that the product listed.

    Attributes:
        entity: `cluster/namespace/kind/name`.
        fault_kind: What it takes it for.
        probability: In [0, 1].
        proposals: Kinds of the fixes proposed for it, best first.
        onset: When it began, as the product says: that of its earliest finding, seconds since the epoch; None where
            it does not say.
    """

    entity: str
    fault_kind: str
    probability: float
    proposals: tuple[str, ...] = ()
    onset: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer; the product answers again while an incident goes on.

    Attributes:
        at: When it was there, seconds since the epoch.
        causes: Best first; empty: no cause found.
        none_probability: That it is none of them, in [0, 1].
        seconds: How long the product took.
    """

    at: float
    causes: tuple[SaidCause, ...]
    none_probability: float
    seconds: float = math.nan


@dataclass(frozen=True, slots=True)
class RunTruth:
    """One thing that was broken.

    Attributes:
        entity: What.
        kinds: Fault kinds that name it rightly; empty: any does.
        onset: Seconds since the epoch.
        proposal: Kind of the fix that would help; empty: none is known.
        accepted: Further entities that are as right.
    """

    entity: str
    kinds: tuple[str, ...]
    onset: float
    proposal: str = ""
    accepted: tuple[str, ...] = ()

    def names(self, entity: str) -> bool:
        """Whether an entity of the product's is this one."""
        return any(same_thing(entity, mine) for mine in (self.entity, *self.accepted))


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run.

    Attributes:
        platform: Its name.
        fault: Its name, or several joined by `+`; None for a run without a fault.
        seed: Of the run.
        truths: What was broken; empty without a fault.
        alert_at: When the first alert began to fire, seconds since the epoch; None: none did, so nobody asked.
        judgements: What the product said, oldest first; scores look at the last one.
        unreadable: Why the product cannot read the signals of this fault yet, in a few words; empty where it can.
        error: Why the run itself failed, so that it says nothing about the product; empty when it did not.
    """

    platform: str
    fault: str | None
    seed: int
    truths: tuple[RunTruth, ...] = ()
    alert_at: float | None = None
    judgements: tuple[Judgement, ...] = field(default=())
    unreadable: str = ""
    error: str = ""

    @classmethod
    def failed(cls, platform: str, fault: str | None, seed: int, error: str) -> Self:
        """A run that came to nothing."""
        return cls(platform, fault, seed, error=error or "it failed without saying why")

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.platform}, {self.fault or 'no fault'}, seed {self.seed}"

    @property
    def onset(self) -> float | None:
        """When the first thing broke."""
        return min((truth.onset for truth in self.truths), default=None)

    @property
    def last(self) -> Judgement | None:
        """The product's last word."""
        return self.judgements[-1] if self.judgements else None

    @property
    def no_cause(self) -> bool:
        """Whether the product was silent or said that there is no cause."""
        return self.last is None or not self.last.causes


_ONE_THING = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.DATABASE, EntityKind.CLOUD_RESOURCE})
"""Kinds under which one thing is met: a database is a service to those who call it."""


def same_thing(one: str, other: str) -> bool:
    """Whether two entities are one thing: parts that both name are equal; kinds may be two views of it.

    Raises:
        InputError: One of them is no entity.
    """
    a, b = Entity.parse(one), Entity.parse(other)
    return (
        a.name == b.name
        and (a.kind == b.kind or {a.kind, b.kind} <= _ONE_THING)
        and (a.cluster == b.cluster or not a.cluster or not b.cluster)
        and (a.namespace == b.namespace or not a.namespace or not b.namespace)
    )
