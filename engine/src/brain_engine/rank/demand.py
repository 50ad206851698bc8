"""Who asks for more than usual, and so has a part in the trouble of whom it asks.

More requests by themselves are rarely news, so findings weigh them low. Of what is in trouble it matters, though,
whether it has become slow at its work or was given too much of it: nobody searches for that, the question is put to the
few that explain something, so it does not pay for a search either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brain_engine.deviations import Detector
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.blame import Blame
from brain_engine.rank.excess import SIGNIFICANT
from brain_engine.rank.timing import Timing
from brain_engine.series import EdgeKind, Evidence

_MORE = 1.3  # times as much as usual: less is traffic's own coming and going


@dataclass(frozen=True, slots=True)
class Rise:
    """Of what one entity asks or is asked for.

    Attributes:
        onset: Seconds since the epoch.
        usual, now: Its levels, in the signal's unit.
    """

    onset: float
    usual: float
    now: float

    @property
    def new(self) -> float:
        """The part of it that was not there before, in [0, 1)."""
        return 1.0 - self.usual / self.now


def rises(evidence: Evidence, detector: Detector, signal: str) -> dict[str, Rise]:
    """Who has more of a signal than is usual, by entity; nothing where the signal is not measured."""
    panel = next((one for one in evidence.panels if one.signal.name == signal), None)
    if panel is None:
        return {}
    found = detector.deviations(evidence, panel)
    more = found.up & (found.nats >= SIGNIFICANT) & (found.usual > 0) & (found.extreme >= _MORE * found.usual)
    return {
        panel.entities[row]: Rise(
            float(evidence.times[found.onset[row]]), float(found.usual[row]), float(found.extreme[row])
        )
        for row in np.flatnonzero(more)
    }


def blame_of_load(requests: Mapping[str, Rise], graph: DependencyGraph, timing: Timing) -> Blame:
    """Who asks for more: of what is asked more than usual, the part of its requests that is new is its callers'.

    Args:
        requests: Who is asked more than usual.
        graph: Who calls whom.
        timing: For how well onsets are told apart.
    """
    blame: Blame = {}
    for name, load in requests.items():
        callers = [
            caller
            for caller in graph.dependents(name)
            if caller in requests and requests[caller].onset <= load.onset + timing.tolerance
        ]
        for caller in callers:
            blame.setdefault(name, {})[caller] = load.new / len(callers)
    return blame


def blame_of_growth(wanted: Mapping[str, Rise], evidence: Evidence) -> Blame:
    """Who wants more room than usual: of what gives it, the part that is new is theirs, all users counting alike.

    Args:
        wanted: Who wants more instances than usual.
        evidence: For who uses what.
    """
    users: dict[str, set[str]] = {}
    for edge in evidence.edges:
        if edge.kind is EdgeKind.USES:
            users.setdefault(edge.dependency, set()).add(edge.dependent)
    return {
        giver: {name: wanted[name].new / len(names) for name in sorted(names) if name in wanted}
        for giver, names in users.items()
        if not names.isdisjoint(wanted)
    }


def without_own(blame: Blame, demand: Blame) -> Blame:
    """Blame less what dependencies suffer because of who blames them: nobody is excused by what it brought about."""
    return {
        name: {
            dependency: part * (1.0 - demand.get(dependency, {}).get(name, 0.0)) for dependency, part in parts.items()
        }
        for name, parts in blame.items()
    }
