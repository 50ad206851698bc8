"""The newest change of a resource: an engineer's first question to what looks odd is what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from brain_common.entity import Entity, EntityKind
from brain_common.settings import Settings
from brain_otel.batch import Group
from brain_otel.enrich.index import EntityIndex
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.enrich.upstream import Upstream
from brain_otel.side.reads import CHANGES, ChangeRow

NAME: Final = "changes"
_KINDS: Final = frozenset(kind.value for kind in EntityKind)


class ChangeSettings(Settings):
    """The newest change of a resource, from the lake's table `changes`."""

    within_seconds: float = Field(
        default=1800.0, gt=0, le=86400, description="How long after a change resources carry it."
    )
    stale_seconds: float = Field(
        default=300.0, gt=0, le=86400, description="How long the last reading holds while the lake cannot be read."
    )
    actor: bool = Field(default=False, description="Whether to say who made it; a name is personal data.")


class Changes:
    """Sets ``brain.change.*``."""

    def __init__(self, settings: ChangeSettings, context: Context) -> None:
        self._cluster = context.cluster
        self._clock = context.clock
        self._within = settings.within_seconds
        self._actor = settings.actor
        self._changes: Upstream[EntityIndex[ChangeRow]] = Upstream(NAME, context, settings.stale_seconds, EntityIndex())
        context.snapshots.subscribe(CHANGES, ChangeRow, settings.within_seconds, self._receive)

    def enrich(self, group: Group) -> None:
        """Set them on the resource, unless it has a change already."""
        changes, resource = self._changes.known, group.resource
        if not changes:
            return
        since = self._clock.now() - self._within
        found = [row for row in changes.of(group, self._cluster) if row.at >= since]
        if not found or "brain.change.id" in resource:
            return
        row = max(found, key=lambda row: (row.at, row.change_id))
        resource.set("brain.change.id", row.change_id)
        resource.setdefault("brain.change.kind", row.change_kind)
        resource.setdefault("brain.change.time", _rfc3339(row.at))
        if self._actor and row.actor:
            resource.setdefault("brain.change.actor", row.actor)

    def _receive(self, rows: list[ChangeRow]) -> None:
        self._changes.learn(EntityIndex(_by_entity(rows)))


def _by_entity(rows: Iterable[ChangeRow]) -> Iterator[tuple[Entity, ChangeRow]]:
    """Oldest first; without kinds that only another writer knows."""
    for row in sorted(rows, key=lambda row: row.at):
        if row.kind in _KINDS:
            yield Entity(row.cluster, row.namespace, EntityKind(row.kind), row.name), row


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


KIND: Final = EnricherKind(name=NAME, settings=ChangeSettings, build=Changes, resource_only=True)
