"""From what people said about causes to evidence for or against them; pure.

Confirmations and rejections of an entity with a kind of fault are two counts. With one imaginary case on either side,
so that a single answer settles nothing (a Beta(1, 1) prior), their odds are (1 + confirmed) : (1 + rejected); the
logarithm is in nats, like all other evidence, and the engine keeps it within ``brain_engine.rank.prior.MOST_NATS``.
What was said of the same entity with another fault counts half: it tells that the entity breaks, not that it breaks
like this.

Nothing is learnt but counts of rows: when feedback is taken back, its evidence is gone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from brain_engine.rank.prior import UNKNOWN, Prior, PriorOf, nothing_known
from brain_rca.store.protocol import Experience

_OTHER_FAULT = 0.5


def priors(experience: Sequence[Experience]) -> PriorOf:
    """What is known beforehand of an entity with a fault."""
    by_entity: dict[str, list[Experience]] = {}
    for one in experience:
        by_entity.setdefault(one.entity, []).append(one)

    def prior_of(entity: str, fault_kind: str) -> Prior:
        said = by_entity.get(entity)
        return _prior(said, fault_kind) if said else UNKNOWN

    return prior_of if by_entity else nothing_known


def _prior(said: Sequence[Experience], fault_kind: str) -> Prior:
    confirmed = sum(_weight(one, fault_kind) * one.confirmed for one in said)
    rejected = sum(_weight(one, fault_kind) * one.rejected for one in said)
    return Prior(math.log((1 + confirmed) / (1 + rejected)), _words(said, fault_kind))


def _weight(one: Experience, fault_kind: str) -> float:
    return 1.0 if one.fault_kind == fault_kind else _OTHER_FAULT


def _words(said: Sequence[Experience], fault_kind: str) -> str:
    """E.g. ``confirmed as the cause 3 times before, rejected once, lastly on 2026-03-01``."""
    confirmed, rejected = sum(one.confirmed for one in said), sum(one.rejected for one in said)
    parts = [f"confirmed as the cause {_times(confirmed)} before"] if confirmed else []
    parts += [f"rejected {_times(rejected)}" if parts else f"rejected as the cause {_times(rejected)} before"] * bool(
        rejected
    )
    same = sum(one.confirmed + one.rejected for one in said if one.fault_kind == fault_kind)
    others = confirmed + rejected - same
    parts += [f"{_times(others)} of them with another fault"] * bool(others)
    last = max(one.last_at for one in said)
    return ", ".join([*parts, f"lastly on {datetime.fromtimestamp(last, UTC):%Y-%m-%d}"])


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
