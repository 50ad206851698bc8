"""Who a resource is in Kubernetes, as the Collector's k8sattributes processor would say."""

from __future__ import annotations

from typing import Final

from brain_otel.batch import Group
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.enrich.kubernetes.association import Associations
from brain_otel.enrich.kubernetes.cluster import Cluster
from brain_otel.enrich.kubernetes.config import KubernetesSettings
from brain_otel.enrich.kubernetes.identity import Identities
from brain_otel.enrich.kubernetes.metrics import Metrics
from brain_otel.enrich.kubernetes.watches import Watches


class Kubernetes:
    """Adds what is known of a resource's pod; what the resource says itself stays."""

    def __init__(self, settings: KubernetesSettings, cluster: Cluster, metrics: Metrics) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._identities = Identities(cluster)
        self._associations = Associations(settings.pod_association, cluster)

    def enrich(self, group: Group) -> None:
        """Add it to the resource."""
        pod, applied = self._associations.find(group)
        if pod is None:
            (self._metrics.misses if applied else self._metrics.nones).inc()
            return
        self._metrics.hits.inc()
        resource = group.resource
        container = pod.container(resource.get("k8s.container.name"), resource.get("container.id"))
        self._identities.add(pod, container, group)


def build(settings: KubernetesSettings, context: Context) -> Kubernetes:
    """Make one; asks nobody anything before its watches run.

    Raises:
        ConfigError: The step is listed a second time.
    """
    metrics = Metrics(context)
    cluster = Cluster(settings, metrics.refused)
    metrics.count_pods(lambda: len(cluster.by_uid))
    context.background.append(("kubernetes", Watches(settings, cluster, metrics).run))
    return Kubernetes(settings, cluster, metrics)


KIND: Final = EnricherKind(name="kubernetes", settings=KubernetesSettings, build=build, resource_only=True)
