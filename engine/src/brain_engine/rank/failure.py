"""Who fails because what it uses fails: pipelines, jobs, load balancers, whose answers nobody measures.

That such a thing failed says nothing of how; where something that it uses failed before, or at the same time, that is
the better explanation. What is explained so is evidence for what explains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from brain_engine.findings import Finding
from brain_engine.rank.blame import Blame
from brain_engine.rank.protocol import Weighing
from brain_engine.rank.timing import Timing
from brain_engine.series import Edge, EdgeKind, Family

_EXCUSED = 0.8  # of its failing, by what it uses together: it may have failed by itself at the same time


def blame_of_failures(failing: Mapping[str, float], edges: Iterable[Edge], measured: Set[str], timing: Timing) -> Blame:
    """Which part of its failing each thing owes to what it uses; of two that use each other, neither.

    Args:
        failing: When what fails began to, seconds since the epoch.
        edges: The dependencies.
        measured: Whose answers are measured; their errors flow with the requests.
        timing: For how well onsets are told apart.
    """
    uses = {
        (edge.dependent, edge.dependency)
        for edge in edges
        if edge.dependent in failing and edge.dependency in failing and edge.kind is not EdgeKind.RUNS_ON
    }
    found: dict[str, set[str]] = {}
    for user, used in uses:
        is_first = failing[used] <= failing[user] + timing.tolerance and (used, user) not in uses
        if is_first and user not in measured:
            found.setdefault(user, set()).add(used)
    return {user: dict.fromkeys(sorted(used), _EXCUSED / len(used)) for user, used in found.items()}


def began_to_fail(findings: Mapping[str, Iterable[Finding]]) -> dict[str, float]:
    """When the first finding of errors began, by entity."""
    onsets = {
        entity: [one.onset for one in found if one.signal.family is Family.ERRORS and one.onset is not None]
        for entity, found in findings.items()
    }
    return {entity: min(known) for entity, known in onsets.items() if known}


def accounted(entity: str, blame: Blame, nats: Mapping[str, float], evidence: float) -> Weighing | None:
    """The step that the failing of those who use an entity adds to its weight; None where it accounts for nobody's.

    Args:
        entity: What is used.
        blame: Who fails because of what.
        nats: Evidence that each of them fails.
        evidence: What speaks against the entity by itself, in nats; others add as much again at most.
    """
    parts = {user: nats[user] * used[entity] for user, used in blame.items() if entity in used}
    if not parts or evidence <= 0:
        return None
    user, most = max(sorted(parts.items()), key=lambda part: part[1])
    how = f"{most:.3g} nats of {user}, at most what else speaks against it"
    return Weighing("what uses it fails as well", min(most, evidence), how)
