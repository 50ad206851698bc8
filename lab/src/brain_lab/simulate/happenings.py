"""Collects the Kubernetes events that the simulated cluster itself gives rise to, repeats counted."""

from __future__ import annotations

from brain_lab.emit.records import NANOS, KubernetesEvent, Subject

_API = {"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "NodeClaim": "karpenter.sh/v1"}


class Happenings:
    """Grows during a run; ``all`` is what happened."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], KubernetesEvent] = {}
        self._all: list[KubernetesEvent] = []

    @property
    def all(self) -> tuple[KubernetesEvent, ...]:
        """Oldest first; a repeat is an entry of its own with a higher count."""
        return tuple(sorted(self._all, key=lambda event: (event.last, event.name)))

    def add(
        self,
        at: float,
        subject: tuple[str, str, str],
        reason: str,
        message: str,
        component: str,
        *,
        warning: bool = False,
        host: str = "",
    ) -> None:
        """Record an event.

        Args:
            at: Seconds since the epoch.
            subject: Kind, namespace and name of the object.
            reason: Kubernetes' word.
            message: For people.
            component: Who says so.
            warning: Type `Warning`.
            host: Node of the component.
        """
        kind, namespace, name = subject
        moment = round(at * NANOS)
        before = self._seen.get((kind, name, reason))
        event = KubernetesEvent(
            name=before.name if before else f"{name}.{moment:016x}",
            subject=Subject(kind, name, namespace, _API.get(kind, "v1")),
            reason=reason,
            message=message,
            warning=warning,
            component=component,
            first=before.first if before else moment,
            last=moment,
            count=before.count + 1 if before else 1,
            host=host,
        )
        self._seen[(kind, name, reason)] = event
        self._all.append(event)
