"""Which thing of the product a resource is: ``cluster/namespace/kind/name``, from OpenTelemetry's attributes.

One function for the lake, the service graph and the steps, so that what they say of one thing can be joined.
https://opentelemetry.io/docs/specs/semconv/resource/k8s/
"""

from __future__ import annotations

from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_otel.attributes import Attributes

# A CronJob before its Job, which has another name at each run. A ReplicaSet is no workload: its Deployment is.
_WORKLOADS: Final = (
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
)
# What names a thing where its workload is not known, the steadiest first: a pod's name ends with the pod.
_OTHERS: Final = (
    ("k8s.pod.name", EntityKind.POD),
    ("k8s.node.name", EntityKind.NODE),
    ("cloud.resource_id", EntityKind.CLOUD_RESOURCE),
)
_NO_NAME: Final = "unknown_service"  # an SDK that was not told, maybe with the name of the program behind
_CLOUD: Final = ("cloud.resource_id", "host.id")  # an ARN, the id of an instance: as CloudTrail names what was called


def entity_of(resource: Attributes, cluster: str) -> Entity:
    """The workload that owns the pod, else the service, else pod, node or cloud resource.

    Args:
        resource: Attributes of a resource.
        cluster: Where the resource does not name its own.

    Returns:
        An entity whose name is empty where nothing names it. Only what lives in a namespace has one.
    """
    cluster = resource.get("k8s.cluster.name", cluster)
    namespace = resource.get("k8s.namespace.name") or resource.get("service.namespace")
    for key in _WORKLOADS:
        if name := resource.get(key):
            return Entity(cluster, namespace, EntityKind.WORKLOAD, name)
    service = resource.get("service.name")
    if service and not service.startswith(_NO_NAME):
        return Entity(cluster, namespace, EntityKind.SERVICE, service)
    for key, kind in _OTHERS:
        if name := resource.get(key):
            return Entity(cluster, namespace if kind is EntityKind.POD else "", kind, name)
    return Entity(cluster, namespace, EntityKind.SERVICE, service)


def entities_of(resource: Attributes, cluster: str) -> list[Entity]:
    """Everything that the resource names, from the service down to pod, node and cloud resource.

    What is known outside goes by one of these names, and which one depends on who knows it.

    Args:
        resource: Attributes of a resource.
        cluster: Where the resource does not name its own.
    """
    if not len(resource):
        return []
    cluster = resource.get("k8s.cluster.name", cluster)
    namespace = resource.get("k8s.namespace.name") or resource.get("service.namespace")
    service = resource.get("service.name")
    named = [
        (EntityKind.SERVICE, "" if service.startswith(_NO_NAME) else service),
        *((EntityKind.WORKLOAD, resource.get(key)) for key in _WORKLOADS),
        (EntityKind.POD, resource.get("k8s.pod.name")),
    ]
    account = resource.get("cloud.account.id")
    return [
        *(Entity(cluster, namespace, kind, name) for kind, name in named if name),
        *(Entity(cluster, "", EntityKind.NODE, name) for name in [resource.get("k8s.node.name")] if name),
        *(Entity(cluster, account, EntityKind.CLOUD_RESOURCE, name) for key in _CLOUD if (name := resource.get(key))),
    ]
