"""Alert labels to entities.

The order matters: labels that name a workload are put there by the rule's author, while ``service``, ``job`` and
``instance`` are often only the scrape target (every kube-state-metrics alert carries ``service="kube-state-metrics"``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_common.settings import Settings
from brain_rca.model import AlertGroup
from brain_rca.scope.identity import POD_NAME, without_port

_WORKLOADS = ("deployment", "daemonset", "statefulset", "replicaset", "job_name", "cronjob", "persistentvolumeclaim")
_SCALERS = ("horizontalpodautoscaler", "hpa", "scaledobject")
_SERVICES = ("service", "service_name", "destination_service_name", "app", "app_kubernetes_io_name")
# What is no part of the cluster, as exporters of GitLab, Terraform and CloudWatch label it.
_RESOURCES = ("project", "workspace", "workspace_name", "dimension_NatGatewayId", "dimension_TableName", "budget")
_NAMESPACES = ("namespace", "exported_namespace", "k8s_namespace_name", "kubernetes_namespace")
_EXPORTERS = re.compile(r"(^|-)(kube-state-metrics|node-exporter|cadvisor|kubelet|blackbox-exporter)$")


def _entity_text(text: str) -> str:
    try:
        return str(Entity.parse(text))
    except InputError as error:
        raise ValueError(str(error)) from error


EntityText = Annotated[str, AfterValidator(_entity_text)]


class ScopeSettings(Settings):
    """How alert labels become entities."""

    labels: Mapping[str, str] = Field(
        default={},
        description="Own label names for known ones, e.g. {kubernetes_pod_name: pod}: renamed before anything else.",
    )
    aliases: Mapping[EntityText, EntityText] = Field(
        default={},
        description="Names of one thing: any entity (cluster/namespace/kind/name) to the one to use; wins.",
    )


def alerting_entities(
    group: AlertGroup, known: Iterable[str], settings: ScopeSettings, cluster: str
) -> tuple[str, ...]:
    """What the firing alerts of a group are about, each named as the evidence names it, most alerts first.

    Args:
        group: The alerts; resolved ones count only when none fires.
        known: Entities that the evidence has series or edges for.
        settings: Renamed labels and aliases.
        cluster: Name of the cluster when the alert has no ``cluster`` label.
    """
    members = [alert for alert in group.alerts if alert.status == "firing"] or list(group.alerts)
    index = _Index(known, settings.aliases)
    counts: dict[str, int] = {}
    for alert in members:
        entity = entity_of(_renamed(alert.labels, settings.labels), cluster)
        if entity is not None:
            name = settings.aliases.get(str(entity)) or index.match(entity)
            counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _renamed(labels: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The labels under known names; a renamed one wins over one that is called so already."""
    kept = {key: value for key, value in labels.items() if key not in names}
    return kept | {known: labels[own] for own, known in names.items() if own in labels}


def entity_of(labels: Mapping[str, str], cluster: str) -> Entity | None:
    """The one entity an alert is about; None when no label says."""
    cluster = labels.get("cluster") or cluster
    namespace = _first(labels, _NAMESPACES)
    workload = _first(labels, _WORKLOADS) or _first(labels, _SCALERS)
    if workload:
        return Entity(cluster, namespace, EntityKind.WORKLOAD, workload)
    if labels.get("pod"):
        return Entity(cluster, namespace, EntityKind.POD, labels["pod"])
    service = _first(labels, _SERVICES)
    if service and not _EXPORTERS.search(service):
        return Entity(cluster, namespace, EntityKind.SERVICE, service)
    node = labels.get("node") or without_port(labels.get("instance", ""))
    if node:
        return Entity(cluster, "", EntityKind.NODE, node)
    resource = _first(labels, _RESOURCES).rstrip("/").rpartition("/")[2]
    return Entity(cluster, "", EntityKind.CLOUD_RESOURCE, resource) if resource else None


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


class _Index:
    """Finds the evidence's name of an entity that the alert names slightly differently."""

    def __init__(self, known: Iterable[str], aliases: Mapping[str, str]) -> None:
        self._known: dict[str, list[Entity]] = {}
        for text in (*known, *aliases):
            entity = Entity.parse(text)
            self._known.setdefault(entity.name, []).append(entity)
        self._aliases = aliases

    def match(self, entity: Entity) -> str:
        for name in self._names(entity):
            fitting = [other for other in self._known.get(name, ()) if _compatible(entity, other)]
            if fitting:
                nearest = str(min(fitting, key=lambda other: _distance(entity, other)))
                return self._aliases.get(nearest, nearest)
        return str(entity)

    @staticmethod
    def _names(entity: Entity) -> tuple[str, ...]:
        pod = POD_NAME.match(entity.name) if entity.kind is EntityKind.POD else None
        return (entity.name, pod["workload"]) if pod else (entity.name,)


def _compatible(one: Entity, other: Entity) -> bool:
    """Whether both may be the same: parts are equal or unknown on one side; a node is never a service."""
    nodes = (one.kind is EntityKind.NODE) + (other.kind is EntityKind.NODE)
    return (
        nodes != 1
        and (one.cluster == other.cluster or not one.cluster or not other.cluster)
        and (one.namespace == other.namespace or not one.namespace or not other.namespace)
    )


def _distance(one: Entity, other: Entity) -> tuple[bool, bool, bool, str]:
    return (
        one.namespace != other.namespace,
        one.cluster != other.cluster,
        other.kind not in (one.kind, EntityKind.SERVICE),
        str(other),
    )
