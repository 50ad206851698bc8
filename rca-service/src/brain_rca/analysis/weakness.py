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
from brain_rca.evidence.protocol import Window

FEW_SAMPLES: Final = 20
"""Samples of a baseline, five minutes of scrapes: fewer hardly tell what is usual."""

_NAMED = 3
_CLOCKS_DIFFER: Final = 300.0  # seconds; the end of the window is rounded to its step, too
_CALLING = (EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD)


def weaknesses(snapshot: Snapshot, alerting: Sequence[str], since: float | None = None) -> tuple[str, ...]:
    """One sentence each; about entities that there is evidence for.

    Args:
        snapshot: What was seen.
        alerting: Entities that the alerts are about.
        since: When the first alert says that it began, seconds since the epoch; None where nobody knows.
    """
    lonely = [name for name in alerting if name in snapshot.entities and name not in snapshot.graph and _calls(name)]
    found = []
    if lonely:
        more = f" and {len(lonely) - _NAMED} more" if len(lonely) > _NAMED else ""
        found.append(f"no call graph is known for {', '.join(short(name) for name in lonely[:_NAMED])}{more}")
    found += filter(None, (short_baseline(snapshot.evidence), _not_yet(snapshot.window, since)))
    return tuple(found)


def short_baseline(evidence: Evidence) -> str:
    """How few samples tell what is usual; empty where they suffice, or where nothing was measured at all."""
    samples = _baseline(evidence)
    if samples >= FEW_SAMPLES or not any(len(panel.entities) for panel in evidence.panels):
        return ""
    return f"the baseline is only {samples} sample{'' if samples == 1 else 's'}" if samples else "there is no baseline"


def _not_yet(window: Window, since: float | None) -> str:
    """Of alerts that are dated beyond what was looked at."""
    if since is None or since <= window.end + _CLOCKS_DIFFER:
        return ""
    return "the alerts say that they begin after what was looked at ends: is the clock of who sends them right"


def _calls(name: str) -> bool:
    return Entity.parse(name).kind in _CALLING


def _baseline(evidence: Evidence) -> int:
    """At how many moments before the window anything was measured."""
    before = evidence.times < evidence.window_start
    measured = np.zeros(int(before.sum()), dtype=np.bool_)
    for panel in evidence.panels:
        measured |= np.isfinite(panel.values[:, before]).any(axis=0)
    return int(measured.sum())
