"""Who a span is about, and what it used, from OpenTelemetry's attributes.

https://opentelemetry.io/docs/specs/semconv/ - each list has the present name first, then older ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from brain_common.entity import Entity, EntityKind
from brain_rca.evidence.traces.rows import MOST_NAME

_NAMESPACES = ("k8s.namespace.name", "service.namespace")
_WORKLOADS = ("k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name")
_DATABASES = ("db.namespace", "db.name")
_DATABASE_SYSTEMS = ("db.system.name", "db.system")
_TOPICS = ("messaging.destination.name", "messaging.destination")
_NO_NAME = "unknown_service"  # an SDK that was not told


def entity_of(resource: Mapping[str, str], service: str, cluster: str) -> Entity:
    """The service, else the workload; an unnamed service where nothing names it."""
    cluster = resource.get("k8s.cluster.name", "")[:MOST_NAME] or cluster
    namespace = _first(resource, _NAMESPACES)[:MOST_NAME]
    if service and not service.startswith(_NO_NAME):
        return Entity(cluster, namespace, EntityKind.SERVICE, service[:MOST_NAME])
    workload = _first(resource, _WORKLOADS)
    if workload:
        return Entity(cluster, namespace, EntityKind.WORKLOAD, workload[:MOST_NAME])
    return Entity(cluster, namespace, EntityKind.SERVICE, service[:MOST_NAME] or _NO_NAME)


def peer_of(attributes: Mapping[str, str], cluster: str) -> Entity | None:
    """The database or the topic that a span used; None for all other spans."""
    if system := _first(attributes, _DATABASE_SYSTEMS):
        name = _first(attributes, _DATABASES) or attributes.get("server.address") or attributes.get("net.peer.name")
        return Entity(cluster, "", EntityKind.DATABASE, (name or system)[:MOST_NAME])
    if topic := _first(attributes, _TOPICS):
        return Entity(cluster, "", EntityKind.TOPIC, topic[:MOST_NAME])
    return None


def _first(attributes: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")
