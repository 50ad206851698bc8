"""A published graph ranker: where a walker who follows deviations along the dependencies stays longest. For comparison.

Personalised PageRank as in Wu et al., "MicroRCA: Root Cause Localization of Performance Issues in Microservices" (NOMS
2020), which walks from callers to callees: steps and restarts prefer what deviates more. It explains nothing away:
an entity that many deviating ones depend on collects their weight, whether or not it is to blame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from brain_engine.rank.protocol import Candidate, Situation, combined, ordered
from brain_engine.series import Array

_DAMPING = 0.85  # chance of a step instead of a restart; Page et al., 1999
_ROUNDS = 100  # 0.85 ** 100 is below 1e-7


class RandomWalk:
    """Ranks by the share of time; the weight is that share of all evidence, in nats."""

    name = "random-walk"

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        found: dict[str, list[float]] = {}
        for finding in situation.findings:
            found.setdefault(finding.entity, []).append(finding.nats)
        nats = {entity: combined(values) for entity, values in found.items()}
        total = sum(nats[entity] for entity in sorted(nats))
        times = _times(nats, situation) if nats else {}
        return ordered([Candidate(entity, total * share) for entity, share in times.items() if share > 0])


def _times(nats: Mapping[str, float], situation: Situation) -> dict[str, float]:
    """Share of time at each entity that deviates; only those are walked."""
    names = sorted(nats)
    index = {name: number for number, name in enumerate(names)}
    restart = np.array([nats[name] for name in names]) / sum(nats[name] for name in names)
    steps = [
        (index[name], index[callee])
        for name in names
        for callee in situation.graph.dependencies(name)
        if callee in index
    ]
    sources, targets = np.array(steps, dtype=np.int64).reshape(-1, 2).T
    at = restart
    for _ in range(_ROUNDS):
        at = _step(at, restart, sources, targets)
    return dict(zip(names, at.tolist(), strict=True))


def _step(at: Array, restart: Array, sources: np.ndarray, targets: np.ndarray) -> Array:
    """One round: along a dependency in proportion to its deviation, or anew; from where none deviates, always anew."""
    leaving = np.bincount(sources, weights=restart[targets], minlength=len(at))
    moved = np.bincount(targets, weights=at[sources] * restart[targets] / leaving[sources], minlength=len(at))
    stepped = _DAMPING * moved
    return np.asarray(stepped + (1.0 - stepped.sum()) * restart, dtype=np.float64)
