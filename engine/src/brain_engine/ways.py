"""Delay on the way between two entities: what callers wait beyond what callees take.

A latency measured at the client says nothing against the client, and none measured at the server can show a slow way.
Their difference belongs to the pair. Whose way it is, the pairs tell together: an entity whose network is slow delays
all calls to it and from it, so a delay is given to the end that explains most of the delayed pairs with fewest that are
not delayed (greedy set cover; Chvatal, Mathematics of Operations Research 1979).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from brain_engine.deviations import Detector
from brain_engine.measured import measured
from brain_engine.series import Array, Direction, EdgePanel, Evidence, Family, Panel, Signal

DELAY: Final = "call_delay"
"""Name of the signal that is derived here."""

_AT_CLIENT, _AT_SERVER = "call_seconds_at_client", "call_seconds_at_server"
_SIGNIFICANT = 3.0  # nats at which a pair is taken for delayed: 1 in 20 by chance
_UNEXPLAINED = 2.0  # nats that each pair without a delay speaks against its ends


def with_delays(evidence: Evidence, detector: Detector) -> Evidence:
    """The evidence with a panel of the entities that delays are given to; as it is where no pair is delayed."""
    pairs = _differences(evidence)
    if pairs is None:
        return evidence
    ends = tuple(f"{one}\0{other}" for one, other in zip(pairs.dependents, pairs.dependencies, strict=True))
    found = detector.deviations(evidence, Panel(pairs.signal, ends, pairs.values))
    given = _given(pairs, np.where(found.up & (found.nats >= _SIGNIFICANT), found.nats, 0.0))
    if not given:
        return evidence
    names = tuple(sorted(given))
    values = np.stack([_mean(pairs.values[given[name]]) for name in names])
    return replace(evidence, panels=(*evidence.panels, Panel(pairs.signal, names, values)))


def _differences(evidence: Evidence) -> EdgePanel | None:
    """Client minus server seconds of the pairs that have both; None where none has."""
    known = {panel.signal.name: panel for panel in evidence.edge_panels}
    client, server = known.get(_AT_CLIENT), known.get(_AT_SERVER)
    if client is None or server is None:
        return None
    row_of = {pair: row for row, pair in enumerate(zip(server.dependents, server.dependencies, strict=True))}
    pairs = list(zip(client.dependents, client.dependencies, strict=True))
    both = [row for row, pair in enumerate(pairs) if pair in row_of]
    if not both:
        return None
    values = measured(client.values[both]) - measured(server.values[[row_of[pairs[row]] for row in both]])
    return EdgePanel(
        Signal(DELAY, Family.NETWORK, "seconds", Direction.UP),
        tuple(pairs[row][0] for row in both),
        tuple(pairs[row][1] for row in both),
        values,
    )


def _given(pairs: EdgePanel, nats: Array) -> Mapping[str, list[int]]:
    """Entities to rows of the delayed pairs that they explain; each pair is given once."""
    rows_of: dict[str, list[int]] = {}
    for row, ends in enumerate(zip(pairs.dependents, pairs.dependencies, strict=True)):
        for end in ends:
            rows_of.setdefault(end, []).append(row)
    left = set(np.flatnonzero(nats > 0).tolist())
    calm = {end: _UNEXPLAINED * sum(nats[row] == 0 for row in rows) for end, rows in rows_of.items()}
    called = frozenset(pairs.dependencies)
    given: dict[str, list[int]] = {}
    while left:
        worth = {
            end: sum(float(nats[row]) for row in rows if row in left) - calm[end]
            for end, rows in rows_of.items()
            if any(row in left for row in rows)
        }
        # Of two that explain the same, whoever is called: a caller's other calls would be late, too.
        best = max(worth, key=lambda end: (worth[end], end in called and end not in given, end))
        given[best] = [row for row in rows_of[best] if row in left]
        left -= set(given[best])
    return given


def _mean(rows: Array) -> Array:
    seen = np.isfinite(rows)
    count = seen.sum(axis=0)
    total = np.where(seen, rows, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
