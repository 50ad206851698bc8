"""The naive ranker: whatever deviates most is the cause. For comparison."""

from __future__ import annotations

from collections.abc import Sequence

from brain_engine.rank.protocol import Candidate, Situation, ordered


class MaxDeviation:
    """Ranks by the single largest deviation; looks at no dependency."""

    name = "max-deviation"

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        largest: dict[str, float] = {}
        for finding in situation.findings:
            largest[finding.entity] = max(largest.get(finding.entity, 0.0), finding.nats)
        return ordered([Candidate(entity, nats) for entity, nats in largest.items()])
