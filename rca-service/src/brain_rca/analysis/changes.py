"""Which changes came to a cause shortly before it began, and how that is said.

An engineer's first thought is to undo them, so the explanation names them and the fix catalogue proposes it. Called
for each cause once it is ranked; the ranking knows nothing of it. What an event says is data from anybody: it is
capped, masked and made one line here, and escaped by whoever shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_common.logs import mask
from brain_engine.series import Event
from brain_rca.model import Change, ChangeKind
from brain_rca.publish.text import clean

SHORTLY: Final = 1800.0  # seconds before the cause began; the window looks back as far from the first alert
MAX_MESSAGE: Final = 160  # characters: with what is around it, two changes fit into an explanation
MAX_ACTOR: Final = 60  # characters: most mail addresses and service accounts
# Reasons of events that are changes; the sources of changes write these words.
KINDS: Final = {
    "ConfigMapUpdated": ChangeKind.CONFIG,
    "ScalingReplicaSet": ChangeKind.ROLLOUT,  # Kubernetes' own, of Deployments
    "RolloutUpdated": ChangeKind.ROLLOUT,  # Argo Rollouts
    "Deployed": ChangeKind.ROLLOUT,
    "Synced": ChangeKind.SYNC,
    "TerraformApplied": ChangeKind.INFRASTRUCTURE,
    # The kinds of changes that exporters write into the lake; pipelines and merges change nothing that runs yet.
    "rollout": ChangeKind.ROLLOUT,
    "deployment": ChangeKind.ROLLOUT,
    "config": ChangeKind.CONFIG,
    "sync": ChangeKind.SYNC,
    "apply": ChangeKind.INFRASTRUCTURE,
}
# Kubernetes says "Scaled up replica set cart-7d4f to 1 from 0" when a rollout begins. From another number it is a
# later step of one, or an autoscaler at work, which nobody would undo.
_ONLY_SCALED: Final = re.compile(r" from [1-9]\d*$")
# Kinds under which one running thing goes; a database or a topic may share its name with what uses it.
_ONE_THING: Final = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD})


def changes_before(
    began: float, onset: float, resolution: float, entity: str, path: Sequence[str], events: Iterable[Event]
) -> tuple[Change, ...]:
    """The last change of each kind to ``entity`` before ``onset``, the latest first.

    Args:
        began: When the cause began, in seconds since the epoch.
        onset: Of the finding that shows its kind of fault: one of its findings may have wandered off by itself before.
        resolution: Seconds in which values really change: an onset is known no better, so a change may seem to come
            that much after it.
        entity: The cause.
        path: From it to what alerts; the same thing may be on it under another kind.
        events: What happened, in any order.
    """
    names = _names(entity, path)
    near = [event for event in events if event.entity in names and began - SHORTLY <= event.at <= onset + resolution]
    latest: dict[ChangeKind, Change] = {}
    for event in sorted(near, key=lambda event: (event.at, event.reason, event.message, event.actor)):
        if kind := _kind(event):
            latest[kind] = _change(event, kind, began, resolution)
    return tuple(sorted(latest.values(), key=lambda change: (-change.at, change.kind)))


def told(change: Change) -> str:
    """What changed and who did it: ``ConfigMapUpdated: pool 20 -> 5 (by alex)``."""
    message = f": {change.message}" if change.message else ""
    by = f" (by {change.actor})" if change.actor else ""
    return f"{change.reason}{message}{by}"


def lead(change: Change) -> str:
    """When it came: ``90 s before the cause began``, ``12 min before the cause began``, ``when the cause began``."""
    apart = abs(change.seconds_before)
    if apart < 1:
        return "when the cause began"
    amount = f"{apart:.0f} s" if apart < 300 else f"{apart / 60:.0f} min"
    return f"{amount} {'before' if change.seconds_before > 0 else 'after'} the cause began"


def one_line(text: str, limit: int) -> str:
    """What an event says, without secrets and at most ``limit`` characters of it.

    Cut roughly first: nobody has to look for secrets in a megabyte.
    """
    return clean(mask(text[: 8 * limit]), limit)


def _names(entity: str, path: Sequence[str]) -> set[str]:
    own = Entity.parse(entity)
    return {entity, *(step for step in path if _same(own, Entity.parse(step)))}


def _same(one: Entity, other: Entity) -> bool:
    return {one.kind, other.kind} <= _ONE_THING and replace(other, kind=one.kind) == one


def _kind(event: Event) -> ChangeKind | None:
    if event.reason == "ScalingReplicaSet" and _ONLY_SCALED.search(event.message):
        return None
    return KINDS.get(event.reason)


def _change(event: Event, kind: ChangeKind, began: float, resolution: float) -> Change:
    before = began - event.at
    return Change(
        at=event.at,
        kind=kind,
        seconds_before=0.0 if -resolution <= before <= 0 else before,
        reason=event.reason,
        message=one_line(event.message, MAX_MESSAGE).rstrip("."),
        actor=one_line(event.actor, MAX_ACTOR),
    )
