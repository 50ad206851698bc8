"""Which entities a resource is, and what is known of them.

A resource carries several names of one thing: its service, the workload and the pod behind it, the node below. What is
known outside goes by one of them, mostly the service's, so all are tried. Names join as the judgement joins them: a
service, its workload and its pod of one name are one thing; a namespace or cluster that one side does not name fits
where nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

from brain_common.entity import Entity, EntityKind
from brain_otel.attributes import Attributes

T = TypeVar("T")
V = TypeVar("V")

_WORKLOADS: Final = (
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "k8s.replicaset.name",
)
_NAMESPACED: Final = (
    ("service.name", EntityKind.SERVICE),
    *((key, EntityKind.WORKLOAD) for key in _WORKLOADS),
    ("k8s.pod.name", EntityKind.POD),
)
_CLOUD: Final = ("cloud.resource_id", "host.id")  # an ARN, an instance's id: as CloudTrail names what was called
_NAMELESS: Final = "unknown_service"  # what SDKs say where nobody named the service
_ONE_THING: Final = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD})


def entities_of(resource: Attributes, cluster: str) -> list[Entity]:
    """Every entity that the resource names.

    Args:
        resource: Its attributes.
        cluster: Where it names none itself.
    """
    if not len(resource):
        return []
    cluster = resource.get("k8s.cluster.name") or cluster
    namespace = resource.get("k8s.namespace.name")
    found = [
        Entity(cluster, namespace, kind, name)
        for key, kind in _NAMESPACED
        if (name := resource.get(key)) and not name.startswith(_NAMELESS)
    ]
    if node := resource.get("k8s.node.name"):
        found.append(Entity(cluster, "", EntityKind.NODE, node))
    account = resource.get("cloud.account.id")
    found += [
        Entity(cluster, account, EntityKind.CLOUD_RESOURCE, name) for key in _CLOUD if (name := resource.get(key))
    ]
    return found


class EntityIndex(Generic[T]):
    """What is known of entities, found again under the names of a resource.

    Args:
        known: What is known; of one entity the last counts.
    """

    def __init__(self, known: Iterable[tuple[Entity, T]] = ()) -> None:
        self._places: dict[tuple[EntityKind, str], dict[str, dict[str, T]]] = {}
        for entity, value in known:
            self._places.setdefault(_thing(entity), {}).setdefault(entity.namespace, {})[entity.cluster] = value

    def __bool__(self) -> bool:
        return bool(self._places)

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
