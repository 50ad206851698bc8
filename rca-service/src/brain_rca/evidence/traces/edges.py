"""Who calls whom, as spans show it: a child of one thing under a parent of another, and what has no spans itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_engine.flow.tables import Spans
from brain_engine.series import EdgeKind
from brain_rca.evidence.raw import RawEdge
from brain_rca.evidence.traces.rows import SpanRow


def edges_in(rows: Sequence[SpanRow], spans: Spans | None, source: str) -> list[RawEdge]:
    """Each dependency once.

    The sample is no census: how often something is called is not told from it.
    """
    if spans is None:
        return []
    entities = [Entity.parse(name) for name in spans.entities]
    under = np.flatnonzero(spans.parent >= 0)
    pairs = np.stack([spans.entity[spans.parent[under]], spans.entity[under]], axis=1)
    distinct = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist()
    calls = [RawEdge(entities[one], entities[other], EdgeKind.CALLS, source) for one, other in distinct]
    used = sorted({(row.entity, row.peer) for row in rows if row.peer is not None})
    return calls + [RawEdge(entity, peer, _kind(peer), source) for entity, peer in used]


def _kind(peer: Entity) -> EdgeKind:
    return EdgeKind.USES if peer.kind is EntityKind.TOPIC else EdgeKind.CALLS
