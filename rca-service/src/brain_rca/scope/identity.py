"""Names of one thing joined: pod, its workload, the Kubernetes Service, OpenTelemetry's ``service.name``.

Each series names its entity as its exporter sees it: cAdvisor knows pods, kube-state-metrics deployments, traces
services without namespace. Causes are about things, so all of these become one entity: the service where there is one,
else the workload. An alias from the configuration wins over everything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from brain_common.entity import Entity, EntityKind
from brain_rca.text import clean

# Pods of ReplicaSets (<name>-<hash>-<5>), DaemonSets and Jobs (<name>-<5>), StatefulSets (<name>-<n>). Kubernetes draws
# the five characters from letters and digits without vowels and look-alikes (apimachinery's rand.SafeEncodeString).
POD_NAME = re.compile(
    r"^(?P<workload>.+?)(-[a-f0-9]{6,10}-[a-z0-9]{5}|-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}"
    r"|-[bcdfghjklmnpqrstvwxz2456789]{5}|-\d{1,4})$"
)


_PORT = re.compile(r":\d+$")


def without_port(instance: str) -> str:
    """The node of a scrape target: ``10.0.0.7:9100`` is ``10.0.0.7``, for alerts and for series alike."""
    return _PORT.sub("", instance)


class Identity:
    """Canonical names within one window.

    Args:
        entities: Every entity the evidence names.
        owners: Pod entity to workload entity, where the cluster itself says so; wins over the pod's name.
        aliases: Text form to text form, from the configuration.
    """

    def __init__(
        self,
        entities: Iterable[Entity],
        owners: Mapping[Entity, Entity] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._owners = owners or {}
        self._aliases = aliases or {}
        self._services: dict[str, list[Entity]] = {}
        for entity in set(entities):
            if entity.kind is EntityKind.SERVICE:
                self._services.setdefault(entity.name, []).append(entity)
        self._known: dict[Entity, str] = {}

    def canonical(self, entity: Entity) -> str:
        """The text form of the one name for this thing, as clean as the labels of alerts are."""
        if entity not in self._known:
            self._known[entity] = clean(self._aliases.get(str(entity)) or self._join(entity))
        return self._known[entity]

    def known_as(self, names: Collection[str]) -> frozenset[Entity]:
        """The things of these canonical names, under every name that was met so far and their own."""
        met = {entity for entity, name in self._known.items() if name in names}
        return frozenset(met | {Entity.parse(name) for name in names})

    def _join(self, entity: Entity) -> str:
        if entity.kind is EntityKind.POD:
            entity = self._owner(entity)
        if entity.kind in (EntityKind.WORKLOAD, EntityKind.SERVICE):
            entity = self._service(entity)
        if entity.kind is EntityKind.DATABASE:
            entity = self._as_called(entity)
        return self._aliases.get(str(entity), str(entity))

    def _owner(self, pod: Entity) -> Entity:
        if pod in self._owners:
            return self._owners[pod]
        match = POD_NAME.match(pod.name)
        return Entity(pod.cluster, pod.namespace, EntityKind.WORKLOAD, match["workload"]) if match else pod

    def _service(self, entity: Entity) -> Entity:
        """The service of that name: of the same namespace, else the only one where one side names no namespace."""
        found = [
            other
            for other in self._services.get(entity.name, ())
            if not other.cluster or not entity.cluster or other.cluster == entity.cluster
        ]
        same = [other for other in found if other.namespace == entity.namespace and entity.namespace]
        if same:
            return min(same)
        named = [other for other in found if other.namespace]
        if not entity.namespace and len({other.namespace for other in named}) == 1:
            return min(named)
        unnamed = [other for other in found if not other.namespace]
        return min(unnamed) if unnamed and not named else entity

    def _as_called(self, database: Entity) -> Entity:
        """The service graph's name of a database: a service without namespace, as nothing in the cluster runs it."""
        service = self._service(Entity(database.cluster, "", EntityKind.SERVICE, database.name))
        known = service in self._services.get(database.name, ())
        return service if known and not service.namespace else database
