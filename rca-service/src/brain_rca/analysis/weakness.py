"""What makes a judgement weak although nothing failed: no graph around what alerts, hardly any baseline.

Somebody who reads a probability should know what it could not take into account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Evidence
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.analysis.words import short

FEW_SAMPLES: Final = 20
"""Samples of a baseline, five minutes of scrapes: fewer hardly tell what is usual."""

_NAMED = 3
_CALLING = (EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD)


def weaknesses(snapshot: Snapshot, alerting: Sequence[str]) -> tuple[str, ...]:
    """One sentence each; about entities that there is evidence for."""
    lonely = [name for name in alerting if name in snapshot.entities and name not in snapshot.graph and _calls(name)]
    found = []
    if lonely:
        more = f" and {len(lonely) - _NAMED} more" if len(lonely) > _NAMED else ""
        found.append(f"no call graph is known for {', '.join(short(name) for name in lonely[:_NAMED])}{more}")
    samples = _baseline(snapshot.evidence)
    if snapshot.evidence.panels and samples < FEW_SAMPLES:
        found.append(f"the baseline is only {samples} sample{'' if samples == 1 else 's'}")
    return tuple(found)


def _calls(name: str) -> bool:
    return Entity.parse(name).kind in _CALLING


def _baseline(evidence: Evidence) -> int:
    """At how many moments before the window anything was measured."""
    before = evidence.times < evidence.window_start
    measured = np.zeros(int(before.sum()), dtype=np.bool_)
    for panel in evidence.panels:
        measured |= np.isfinite(panel.values[:, before]).any(axis=0)
    return int(measured.sum())
