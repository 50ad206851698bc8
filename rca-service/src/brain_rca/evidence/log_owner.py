"""Whose a log line is: from the labels or fields that collectors write to one of the entities that are looked at.

Promtail and Alloy write ``namespace``, ``pod`` and ``app``; OpenTelemetry ``k8s.pod.name`` and ``service.name``, with
underscores in Loki; Fluent Bit ``kubernetes.pod_name``; Beats ``kubernetes.pod.name``. All are read, the most telling
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_rca.evidence.protocol import Focus
from brain_rca.scope.identity import POD_NAME

_CLUSTER: Final = ("cluster", "k8s_cluster_name", "orchestrator_cluster_name")
_NAMESPACE: Final = (
    "namespace",
    "k8s_namespace_name",
    "kubernetes_namespace_name",
    "kubernetes_namespace",
    "namespace_name",
    "service_namespace",
)
_POD: Final = ("pod", "k8s_pod_name", "kubernetes_pod_name", "kubernetes_pod", "pod_name")
_SERVICE: Final = (
    "service_name",
    "k8s_deployment_name",
    "k8s_statefulset_name",
    "k8s_daemonset_name",
    "kubernetes_deployment_name",
    "kubernetes_statefulset_name",
    "kubernetes_daemonset_name",
    "app",
    "app_kubernetes_io_name",
    "kubernetes_labels_app",
    "kubernetes_labels_app_kubernetes_io_name",
    "service",
    "container",
    "k8s_container_name",
    "kubernetes_container_name",
)
_NODE: Final = ("node_name", "node", "k8s_node_name", "kubernetes_node_name", "host_name", "hostname", "host")
_PREFIXES: Final = ("resource_attributes_", "attributes_")
_OF_RESOURCE: Final = ("resource_k8s_", "resource_service_")  # anything else may be what the line is about


@dataclass(frozen=True, slots=True)
class Owner:
    """An entity of the focus, and the label that named it."""

    entity: Entity
    label: str


class Owners:
    """Finds entities of a focus."""

    def __init__(self, focus: Focus) -> None:
        self._named: dict[tuple[EntityKind, str], list[Entity]] = {}
        for entity in sorted(focus.entities):
            self._named.setdefault((entity.kind, entity.name), []).append(entity)

    def of(self, labels: Mapping[str, str]) -> Owner | None:
        """Who wrote a line with these labels; None where it is nobody that is looked at."""
        plain = {_plain(name): (name, value) for name, value in labels.items() if value}
        cluster, namespace = _first(plain, _CLUSTER), _first(plain, _NAMESPACE)
        for label, kinds, name in _candidates(plain):
            for kind in kinds:
                if (entity := self.named(Entity(cluster, namespace, kind, name))) is not None:
                    return Owner(entity, label)
        return None

    def named(self, entity: Entity) -> Entity | None:
        """The one of the focus that is meant; what one side leaves open (cluster, namespace) does not part them."""
        found = [
            other
            for other in self._named.get((entity.kind, entity.name), ())
            if _agree(other.cluster, entity.cluster) and _agree(other.namespace, entity.namespace)
        ]
        return next((other for other in found if other == entity), found[0] if found else None)


def _candidates(plain: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, tuple[EntityKind, ...], str]]:
    placed = False
    for name in _POD:
        if name in plain:
            placed = True
            label, pod = plain[name]
            yield label, (EntityKind.POD,), pod
            if (match := POD_NAME.match(pod)) is not None:
                yield label, (EntityKind.WORKLOAD, EntityKind.SERVICE), match["workload"]
    for name in _SERVICE:
        if name in plain:
            placed = True
            yield plain[name][0], (EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.DATABASE), plain[name][1]
    if not placed:  # a pod's line names its node, too, but is not the node's
        for name in _NODE:
            if name in plain:
                yield plain[name][0], (EntityKind.NODE,), plain[name][1]


def _first(plain: Mapping[str, tuple[str, str]], names: tuple[str, ...]) -> str:
    return next((plain[name][1] for name in names if name in plain), "")


def _plain(name: str) -> str:
    text = name.lower().replace(".", "_").replace("/", "_")
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text.removeprefix("resource_") if text.startswith(_OF_RESOURCE) else text


def _agree(one: str, other: str) -> bool:
    return one == other or not one or not other
