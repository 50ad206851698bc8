"""The built-in ranker: an anomaly that a dependency's anomaly accounts for is a symptom.

Evidence of an entity has two kinds. Resource evidence (its own CPU, memory, disk, restarts …) speaks for itself.
Symptom evidence (slow or failing answers) counts only by the entity's own part: of the trouble of the alarm, the
share that passes through the entity and not through what the entity calls (see ``excess.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import Detector, Finding
from brain_engine.rank.excess import Excess, excesses
from brain_engine.rank.protocol import Candidate, Situation, combined, ordered
from brain_engine.series import Family

_SYMPTOMS = frozenset({Family.LATENCY, Family.ERRORS, Family.LOAD})
_UNREACHABLE = 0.2  # weight of what the alarm is known not to depend on: graphs have holes
_SIGNIFICANT = 3.0  # nats at which an excess is taken for real: 1 in 20 by chance
# Errors of who waits for a slow callee are mostly its time-outs and exhausted pools: this part is not its own.
_TIMEOUTS = 0.8
_LEAST_SHARE = 0.3  # of the alarm's trouble that must pass through a candidate


class ExplainAway:
    """See the module."""

    name = "explain-away"

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = detector or RobustShift()

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        excess = excesses(situation.evidence, self._detector)
        if not _alarm_is_real(situation, excess):
            return ()
        by_entity: dict[str, list[Finding]] = {}
        for finding in situation.findings:
            by_entity.setdefault(finding.entity, []).append(finding)
        shares = _OwnShares(situation, excess)
        reachable = {name for alarm in situation.alerting for name in situation.graph.distances(alarm)}
        candidates = [_weigh(entity, found, shares, reachable, situation) for entity, found in by_entity.items()]
        return ordered([candidate for candidate in candidates if candidate.weight > 0])


def _alarm_is_real(situation: Situation, excess: Sequence[Excess]) -> bool:
    """Whether something that alerts deviates itself, or cannot be told to be normal for lack of its own series.

    The alarm was not searched for among many series, so it need not pay the price of a search.
    """
    deviating = {finding.entity for finding in situation.findings if finding.signal.family is not Family.LOAD}
    measured = {entity for one in excess for entity in one.nats}
    shifted = {entity for one in excess for entity, nats in one.nats.items() if nats >= _SIGNIFICANT}
    return any(alarm in deviating | shifted or alarm not in measured for alarm in situation.alerting)


def _weigh(
    entity: str, findings: Sequence[Finding], shares: _OwnShares, reachable: set[str], situation: Situation
) -> Candidate:
    symptoms = [finding for finding in findings if finding.signal.family in _SYMPTOMS]
    resources = [finding.nats for finding in findings if finding.signal.family not in _SYMPTOMS]
    weighted = [finding.nats * shares.own(entity, finding.signal.family) for finding in symptoms]
    weight = combined([*resources, *weighted])
    against = shares.against(entity) if symptoms else ()
    if len(reachable) > len(situation.alerting) and entity in situation.graph and entity not in reachable:
        weight *= _UNREACHABLE
        against = (*against, "nothing that alerts is known to depend on it")
    return Candidate(entity, weight, against)


class _OwnShares:
    """Which part of the alarm's trouble is an entity's own, by family."""

    def __init__(self, situation: Situation, excess: Sequence[Excess]) -> None:
        self._graph = situation.graph
        self._shares: dict[Family, dict[str, float]] = {}
        self._explained: dict[str, str] = {}
        self._waiting: dict[str, float] = {}
        for one in sorted(excess, key=lambda one: one.family is not Family.LATENCY):
            for alarm in situation.alerting:
                if one.nats.get(alarm, 0.0) >= _SIGNIFICANT:
                    self._add(one, alarm)

    def _add(self, excess: Excess, alarm: str) -> None:
        masses = excess.masses(alarm)
        total = masses.get(alarm, 0.0)
        if total <= 0:
            return
        shares = self._shares.setdefault(excess.family, {})
        for entity, mass in masses.items():
            callees = {
                callee: masses[callee]
                for callee in self._graph.dependencies(entity)
                if masses.get(callee, 0.0) > 0
                and excess.nats[callee] >= _SIGNIFICANT
                and not self._graph.in_circle(entity, callee)  # or everybody would be somebody else's victim
            }
            own = max(mass - sum(callees.values()), 0.0) if mass >= _LEAST_SHARE * total else 0.0
            if excess.family is Family.LATENCY:
                self._waiting[entity] = min(sum(callees.values()) / mass, 1.0) if mass > 0 else 0.0
            else:
                own *= 1.0 - _TIMEOUTS * self._waiting.get(entity, 0.0)
            shares[entity] = max(shares.get(entity, 0.0), min(own / total, 1.0))
            if callees and own < 0.5 * mass:
                self._explained[entity] = max(callees, key=lambda name: (callees[name], name))

    def own(self, entity: str, family: Family) -> float:
        """In [0, 1]. Without any measured excess of the alarm, nothing can be explained away: 1."""
        if not self._shares:
            return 1.0
        if family is Family.LOAD:
            return max((shares.get(entity, 0.0) for shares in self._shares.values()), default=0.0)
        if family not in self._shares:
            return 0.0
        return self._shares[family].get(entity, 0.0)

    def against(self, entity: str) -> tuple[str, ...]:
        """What explains the entity's symptoms, in words."""
        if entity not in self._explained:
            return ()
        return (f"most of its trouble comes from {self._explained[entity]}, which it calls",)
