"""One Event object: what is read of it, how often it happened, and which entity it is about.

core/v1 shows both kinds of events: those of the old recorder count repeats in ``count``, those of events.k8s.io/v1 in
``series.count``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from brain_common.entity import EntityKind


class Metadata(msgspec.Struct, frozen=True):
    """What is read of it."""

    uid: str = ""
    creation: datetime | None = msgspec.field(default=None, name="creationTimestamp")


class Involved(msgspec.Struct, frozen=True):
    """The object it is about."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Source(msgspec.Struct, frozen=True):
    """Who reported it, the old way."""

    component: str = ""
    host: str = ""


class Series(msgspec.Struct, frozen=True):
    """Repeats, the new way."""

    count: int = 0
    last: datetime | None = msgspec.field(default=None, name="lastObservedTime")


class Event(msgspec.Struct, frozen=True):
    """An Event of core/v1."""

    metadata: Metadata
    involved: Involved = msgspec.field(default=Involved(), name="involvedObject")
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    series: Series | None = None
    source: Source | None = None
    action: str = ""
    first: datetime | None = msgspec.field(default=None, name="firstTimestamp")
    last: datetime | None = msgspec.field(default=None, name="lastTimestamp")
    at: datetime | None = msgspec.field(default=None, name="eventTime")
    component_name: str | None = msgspec.field(default=None, name="reportingComponent")
    instance: str | None = msgspec.field(default=None, name="reportingInstance")

    @property
    def total(self) -> int:
        """How often it has happened so far."""
        return max(1, self.count or 0, self.series.count if self.series else 0)

    @property
    def seen(self) -> datetime:
        """When it happened last."""
        moments = (self.series.last if self.series else None, self.last, self.at, self.first, self.metadata.creation)
        return next((moment for moment in moments if moment is not None), _LONG_AGO)

    @property
    def first_seen(self) -> datetime | None:
        """When it happened first."""
        return self.first or self.at or self.metadata.creation

    @property
    def component(self) -> str:
        """Who reported it."""
        return (self.source.component if self.source else "") or self.component_name or ""

    @property
    def host(self) -> str:
        """Where it was reported from."""
        return (self.source.host if self.source else "") or self.instance or ""


_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
_WORKLOADS: Final = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "HorizontalPodAutoscaler", "Rollout"}
)
_SERVICES: Final = frozenset({"Service", "Endpoints", "EndpointSlice", "Ingress"})
decoder: Final = msgspec.json.Decoder(Event)


def kind_of(kind: str) -> EntityKind:
    """Which word of ours a kind of Kubernetes is."""
    if kind in _WORKLOADS:
        return EntityKind.WORKLOAD
    if kind in _SERVICES:
        return EntityKind.SERVICE
    if kind == "Node":
        return EntityKind.NODE
    if kind == "Pod":
        return EntityKind.POD
    return EntityKind.CLOUD_RESOURCE
