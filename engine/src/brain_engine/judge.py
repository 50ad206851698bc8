"""From evidence and alerting entities to a judgement: detect, rank, weigh against "no cause found"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from brain_engine.fault_kind import fault_kind
from brain_engine.findings import Finding
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.prior import UNKNOWN, Prior, PriorOf, nothing_known
from brain_engine.rank.protocol import Candidate, Ranker, Situation, Weighing, ordered
from brain_engine.series import Evidence

NAMED_FROM: Final = 4.0
"""Nats that the first candidate needs to be named at all: 1 in 55 by chance, after all prices have been paid."""

_SUSPECTS = 5  # of those that come nearest where none is named
_LISTED = 10  # causes worth showing; the rest is noise to a reader
# Evidence in nats overstates itself: series of one system are not independent. Divided by this before it becomes odds.
_TEMPERATURE = 3.0
_FINDINGS_SHOWN = 6
# What is left to candidates together when nothing is known about what alerts: something that deviates at the same time
# is more often a coincidence than the cause.
_IF_UNKNOWN = 0.3
_UNKNOWN_WORDS = "nothing is known that connects it with what alerts"


@dataclass(frozen=True, slots=True)
class RankedCause:
    """A candidate with its probability, the fault kind it looks like, and its strongest findings.

    ``weight`` and ``parts`` are the candidate's, in nats; ``temperature`` is what the weight was divided by before it
    became odds against "none of these", whose weight is 0; ``prior`` is what was learnt of it before.
    """

    entity: str
    fault_kind: str
    probability: float
    findings: tuple[Finding, ...]
    against: tuple[str, ...]
    path: tuple[str, ...]
    weight: float = 0.0
    parts: tuple[Weighing, ...] = ()
    temperature: float = 1.0
    prior: Prior = UNKNOWN


@dataclass(frozen=True, slots=True)
class Suspect:
    """What comes near where no cause is named: where people would look next, no claim.

    Attributes:
        entity: Which.
        weight: Evidence that it is the cause, in nats; below ``NAMED_FROM`` for the first.
        finding: The strongest of it; None where it only alerts.
    """

    entity: str
    weight: float
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine says.

    Attributes:
        causes: Best first; empty when no cause was found.
        none_probability: That the cause is none of those listed.
        reason: Why there is no cause, when there is none.
        findings: All that deviates, strongest first.
        suspects: What comes nearest, when there is no cause; best first.
    """

    causes: tuple[RankedCause, ...]
    none_probability: float
    reason: str
    findings: tuple[Finding, ...]
    suspects: tuple[Suspect, ...] = ()

    @property
    def ranking(self) -> tuple[str, ...]:
        """Entities in the order in which people would look at them, whether or not any is named as the cause."""
        return tuple(one.entity for one in self.causes or self.suspects)


def judge(
    evidence: Evidence,
    findings: tuple[Finding, ...],
    graph: DependencyGraph,
    alerting: Sequence[str],
    ranker: Ranker,
    prior_of: PriorOf = nothing_known,
    since: float | None = None,
) -> Judgement:
    """Rank the causes of what alerts.

    Args:
        evidence: All there is of the window.
        findings: What deviates in it; may be shared by all groups of one window, as ``graph``.
        graph: The dependencies.
        alerting: Entities that the alerts are about.
        ranker: Orders the candidates.
        prior_of: What was learnt before.
        since: When the first alert began to fire, seconds since the epoch; None where nobody knows.
    """
    situation = Situation(evidence, findings, graph, tuple(alerting), since)
    own = _by_entity(findings)
    ranked = ranker.rank(situation)
    kinds = {one.entity: fault_kind(one, own.get(one.entity, ())) for one in ranked}
    candidates = list(_with_priors(ranked, kinds, prior_of))[:_LISTED]
    if not ranked or ranked[0].weight < NAMED_FROM:
        return Judgement((), 1.0, _reason(situation), findings, _suspects(candidates, own))
    probabilities, none = _probabilities(candidates)
    if alerting and not _is_known(situation):
        candidates = [replace(one, against=(*one.against, _UNKNOWN_WORDS)) for one in candidates]
        probabilities, none = _IF_UNKNOWN * probabilities, 1.0 - _IF_UNKNOWN * (1.0 - none)
    causes = tuple(
        RankedCause(
            entity=one.entity,
            fault_kind=kinds[one.entity],
            probability=float(probability),
            findings=own.get(one.entity, ())[:_FINDINGS_SHOWN],
            against=one.against,
            path=_path(one.entity, situation),
            weight=one.weight,
            parts=one.parts,
            temperature=_TEMPERATURE,
            prior=prior_of(one.entity, kinds[one.entity]),
        )
        for one, probability in zip(candidates, probabilities, strict=True)
    )
    return Judgement(causes, none, "", findings)


def _by_entity(findings: Sequence[Finding]) -> dict[str, tuple[Finding, ...]]:
    own: dict[str, list[Finding]] = {}
    for finding in findings:
        own.setdefault(finding.entity, []).append(finding)
    return {entity: tuple(found) for entity, found in own.items()}


def _suspects(candidates: Sequence[Candidate], own: Mapping[str, tuple[Finding, ...]]) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(one.entity, one.weight, next(iter(own.get(one.entity, ())), None)) for one in candidates[:_SUSPECTS]
    )


def _with_priors(candidates: Sequence[Candidate], kinds: Mapping[str, str], prior_of: PriorOf) -> Sequence[Candidate]:
    """In the order they have with what was learnt before."""
    if prior_of is nothing_known:
        return candidates
    return ordered([_with_prior(one, prior_of(one.entity, kinds[one.entity])) for one in candidates])


def _with_prior(candidate: Candidate, prior: Prior) -> Candidate:
    """What was learnt before, as one more step of the weight."""
    if not prior.nats:
        return candidate
    nats = _TEMPERATURE * prior.nats
    return replace(
        candidate,
        weight=candidate.weight + nats,
        parts=(
            *candidate.parts,
            Weighing(prior.words, nats, f"{prior.nats:.2g} of log-odds × {_TEMPERATURE:g}, which divides the sum"),
        ),
        against=(*candidate.against, prior.words) if nats < 0 else candidate.against,
    )


def _is_known(situation: Situation) -> bool:
    """Whether anything that alerts has a series or a place in the graph."""
    return any(
        alarm in situation.graph or any(alarm in panel.entities for panel in situation.evidence.panels)
        for alarm in situation.alerting
    )


def _probabilities(candidates: Sequence[Candidate]) -> tuple[np.ndarray, float]:
    """Softmax of the weights against "none of these", whose weight is 0."""
    weights = np.array([candidate.weight for candidate in candidates]) / _TEMPERATURE
    highest = max(float(weights.max()), 0.0)
    odds, none = np.exp(weights - highest), float(np.exp(-highest))
    total = odds.sum() + none
    return odds / total, none / float(total)


def _reason(situation: Situation) -> str:
    if not any(len(panel.entities) for panel in situation.evidence.panels):
        return "no evidence: no signal returned any series for this window"
    if not situation.findings:
        return "nothing deviates from its usual level by more than chance explains"
    if not situation.alerting:
        return "what deviates is too little to be told from chance"
    return "what deviates has no part in what alerts, or is too little to be told from chance"


def _path(entity: str, situation: Situation) -> tuple[str, ...]:
    """The shortest way to anything that alerts; the entity alone where none is known."""
    paths = [situation.graph.path(entity, alarm) for alarm in situation.alerting]
    known = sorted((path for path in paths if path), key=len)
    return known[0] if known else (entity,)
