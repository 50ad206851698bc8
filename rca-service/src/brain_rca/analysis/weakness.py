"""What makes a judgement weak although nothing failed: no graph around what alerts, hardly any baseline.

Somebody who reads a probability should know what it could not take into account.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Evidence
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.analysis.words import short
from brain_rca.dating import began
from brain_rca.model import Incident

FEW_SAMPLES: Final = 20
"""Samples of a baseline, five minutes of scrapes: fewer hardly tell what is usual."""

_NAMED = 3
_SKEW: Final = 60.0  # seconds that clocks may differ without a word
_CALLING = (EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD)


def weaknesses(snapshot: Snapshot, alerting: Sequence[str]) -> tuple[str, ...]:
    """One sentence each; about entities that there is evidence for."""
    lonely = [name for name in alerting if name in snapshot.entities and name not in snapshot.graph and _calls(name)]
    found = []
    if lonely:
        more = f" and {len(lonely) - _NAMED} more" if len(lonely) > _NAMED else ""
        found.append(f"no call graph is known for {', '.join(short(name) for name in lonely[:_NAMED])}{more}")
    return (*found, *filter(None, [short_baseline(snapshot.evidence)]))


def misdated(incident: Incident) -> tuple[str, ...]:
    """A sentence where alerts say that they began at a time that cannot be: what was looked at does not follow it."""
    told_at = told_last(incident)
    said = [one.starts_at for one in incident.alerts]
    wrong = [at for at in said if abs(began(at, told_at) - at) > _SKEW]
    if not wrong:
        return ()
    alerts = f"{len(wrong)} alerts say that they" if len(wrong) > 1 else "an alert says that it"
    return (f"{alerts} began on {_day(wrong[0])}, which cannot be: the time at which it was told is taken instead",)


def told_last(incident: Incident) -> float:
    """When the latest notification about it came, seconds since the epoch."""
    return max(incident.received_at, incident.last_heard_at)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def short_baseline(evidence: Evidence) -> str:
    """How few samples tell what is usual; empty where they suffice, or where nothing was measured at all."""
    samples = _baseline(evidence)
    if samples >= FEW_SAMPLES or not any(len(panel.entities) for panel in evidence.panels):
        return ""
    return f"the baseline is only {samples} sample{'' if samples == 1 else 's'}" if samples else "there is no baseline"


def _calls(name: str) -> bool:
    return Entity.parse(name).kind in _CALLING


def _baseline(evidence: Evidence) -> int:
    """At how many moments before the window anything was measured."""
    before = evidence.times < evidence.window_start
    measured = np.zeros(int(before.sum()), dtype=np.bool_)
    for panel in evidence.panels:
        measured |= np.isfinite(panel.values[:, before]).any(axis=0)
    return int(measured.sum())
