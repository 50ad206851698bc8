"""What is wrong with a cause: the family of the evidence that made it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brain_engine.findings import Finding
from brain_engine.rank.protocol import Candidate
from brain_engine.series import Direction, Family

_SYMPTOMS = frozenset({Family.LATENCY, Family.ERRORS, Family.LOAD})
_NAMES_IT = 0.5  # what a resource has to weigh, of the strongest, to name the fault rather than its symptom
# What slow answers have to weigh, of failing ones, to name the fault: they end in time-outs, and seldom the reverse.
_SLOW = 0.4
_RUSH = 1.5  # times as many requests as usual: what its resources do is then their doing
UNKNOWN = "unknown"


def fault_kind(candidate: Candidate, findings: Sequence[Finding]) -> str:
    """The kind of fault, as the value of a ``Family``.

    Args:
        candidate: What a ranker said; where it tells what each family weighs, that counts.
        findings: All of the candidate, for rankers that do not tell.
    """
    families = _but_bills(candidate.families or _strongest(findings))
    if not families:
        return UNKNOWN
    most = max(families.values())
    resources = {family: nats for family, nats in families.items() if family not in _SYMPTOMS}
    pool: Mapping[Family, float] = {family: nats for family, nats in resources.items() if nats >= _NAMES_IT * most}
    if not pool or _is_rushed(findings):
        pool = {family: nats for family, nats in families.items() if family in _SYMPTOMS} or families
    if pool.get(Family.LATENCY, 0.0) >= _SLOW * max(pool.values()) and Family.ERRORS in pool:
        pool = {family: nats for family, nats in pool.items() if family is not Family.ERRORS}
    return max(pool, key=lambda family: (pool[family], family)).value


def _but_bills(families: Mapping[Family, float]) -> Mapping[Family, float]:
    """Without what it cost, where anything tells what it did."""
    return {family: nats for family, nats in families.items() if family is not Family.COST} or families


def _is_rushed(findings: Sequence[Finding]) -> bool:
    loads = (one for one in findings if one.signal.family is Family.LOAD and one.direction is Direction.UP)
    return any(one.usual > 0 and one.extreme >= _RUSH * one.usual and not one.subject for one in loads)


def _strongest(findings: Sequence[Finding]) -> Mapping[Family, float]:
    families: dict[Family, float] = {}
    for finding in findings:
        families[finding.signal.family] = max(families.get(finding.signal.family, 0.0), finding.nats)
    return families
