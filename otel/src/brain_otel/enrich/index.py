"""What is known of entities, found again under the names of a resource.

Names join as the judgement joins them: a service, its workload and its pod of one name are one thing; a namespace or
cluster that one side does not name fits where nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, Generic, TypeVar

from brain_common.entity import Entity, EntityKind
from brain_otel.batch import Group
from brain_otel.entity import entities_of

T = TypeVar("T")
V = TypeVar("V")

_REMEMBERED: Final = 8192  # resources, some 150 bytes each
_ONE_THING: Final = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD})


class EntityIndex(Generic[T]):
    """What is known of entities, found again under the names of a resource.

    Args:
        known: What is known; of one entity the last counts.
    """

    def __init__(self, known: Iterable[tuple[Entity, T]] = ()) -> None:
        self._places: dict[tuple[EntityKind, str], dict[str, dict[str, T]]] = {}
        self._seen: dict[bytes, Sequence[T]] = {}
        for entity, value in known:
            self._places.setdefault(_thing(entity), {}).setdefault(entity.namespace, {})[entity.cluster] = value

    def __bool__(self) -> bool:
        return bool(self._places)

    def of(self, group: Group, cluster: str) -> Sequence[T]:
        """What is known of the resource of a group, under its names from the service down to the pod.

        The same resources come again and again, and reading their names takes ten times as long as to see that they are
        the same. By digest, so that what strangers send cannot make the memory large.

        Args:
            group: Whose resource.
            cluster: Where the resource does not name its own.
        """
        key = blake2b(group.message.resource.SerializeToString(), digest_size=16).digest()
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            found = self._seen[key] = self.find(entities_of(group.resource, cluster)) or ()
        return found

    def find(self, entities: Iterable[Entity]) -> list[T]:
        """What is known of each of them, in their order."""
        found = []
        for entity in entities:
            clusters = _fitting(self._places.get(_thing(entity), {}), entity.namespace)
            value = _fitting(clusters or {}, entity.cluster)
            if value is not None:
                found.append(value)
        return found


def _thing(entity: Entity) -> tuple[EntityKind, str]:
    return EntityKind.SERVICE if entity.kind in _ONE_THING else entity.kind, entity.name


def _fitting(places: Mapping[str, V], asked: str) -> V | None:
    """What is known at the place asked for, else at none in particular; without a place, what is known at only one."""
    if asked:
        return places.get(asked, places.get(""))
    return next(iter(places.values())) if len(places) == 1 else places.get("")
