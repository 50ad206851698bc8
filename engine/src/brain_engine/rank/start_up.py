"""What is seen of pods that start, and is over when they have started: how a rollout looks, not how one fails.

A pod that starts is not ready until its probes pass, and busy until its caches are warm. Where a rollout goes well this
is over within minutes; where it goes wrong it lasts, or comes with errors, restarts and slow answers, which are not
looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brain_engine.findings import Finding
from brain_engine.series import Event, Family

_REASONS = frozenset({"rollout", "ScalingReplicaSet"})  # what makes pods start
_ONLY_STOPS = "Scaled down "  # how Kubernetes' messages about a ReplicaSet begin of which no pod starts
_LOOKS = frozenset({Family.AVAILABILITY, Family.CPU, Family.MEMORY})
_LONGEST = 600.0  # seconds: Kubernetes' default of a Deployment's progressDeadlineSeconds, after which it has failed

Starts = Mapping[str, tuple[float, ...]]
"""When pods were started, seconds since the epoch, by entity."""


def starts_of(events: Iterable[Event]) -> Starts:
    """When pods of whom were started."""
    starts: dict[str, tuple[float, ...]] = {}
    for event in events:
        if event.reason in _REASONS and not event.message.startswith(_ONLY_STOPS):
            starts[event.entity] = (*starts.get(event.entity, ()), event.at)
    return starts


def is_start_up(finding: Finding, starts: Starts, tolerance: float) -> bool:
    """Whether a finding began when pods started and was over soon after; what lasts never is.

    Args:
        finding: Of any entity.
        starts: Of all.
        tolerance: Seconds within which two moments are not told apart.
    """
    onset, until = finding.onset, finding.until
    if onset is None or until is None or finding.subject or finding.signal.family not in _LOOKS:
        return False
    return any(at - tolerance <= onset and until <= at + _LONGEST for at in starts.get(finding.entity, ()))
