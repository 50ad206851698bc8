"""The watches that keep a cluster's picture, each in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

from brain_common.clients.kubernetes.client import METADATA, METADATA_WATCH, KubeApi
from brain_common.clients.kubernetes.reflector import Collection, Reflector
from brain_otel.enrich.kubernetes.cluster import Cluster, Facts, Pods
from brain_otel.enrich.kubernetes.config import KubernetesSettings
from brain_otel.enrich.kubernetes.metrics import Metrics
from brain_otel.enrich.kubernetes.pod import Pairs
from brain_otel.enrich.kubernetes.wire import Meta, Owner

_SWEEP: Final = 1.0  # seconds between two looks for deleted pods whose grace time is over
_STOPPING: Final = 5.0  # seconds for the threads to notice
_LABELS: Final = {
    "cloud.availability_zone": "topology.kubernetes.io/zone",
    "cloud.region": "topology.kubernetes.io/region",
}


class Watches:
    """Runs as long as the processor does."""

    def __init__(self, settings: KubernetesSettings, cluster: Cluster, metrics: Metrics) -> None:
        api, found = KubeApi(settings.client), list(followed(settings, cluster))
        self._mirrors = [mirror for _, _, mirror in found]
        self._reflectors = [Reflector(api, where, mirror, metrics.report(name)) for name, where, mirror in found]

    async def run(self) -> None:
        """Until cancelled."""
        threads = [threading.Thread(target=each.run, daemon=True) for each in self._reflectors]
        for thread in threads:
            thread.start()
        try:
            while True:
                await asyncio.sleep(_SWEEP)
                for mirror in self._mirrors:
                    mirror.sweep()
        finally:
            await asyncio.to_thread(self._stop, threads)

    def _stop(self, threads: list[threading.Thread]) -> None:
        for reflector in self._reflectors:
            reflector.stop()
        for thread in threads:
            thread.join(_STOPPING)


def followed(settings: KubernetesSettings, cluster: Cluster) -> Iterator[tuple[str, Collection, Pods | Facts[Any]]]:
    """What is followed, by the name of the resource."""
    node, most = settings.filter.node, settings.max_pods
    pods = {"fieldSelector": f"spec.nodeName={node}"} if node else {}
    nodes = {"fieldSelector": f"metadata.name={node}"} if node else {}
    yield "pods", Collection("/api/v1/pods", pods), Pods(cluster)
    for name, path in (("replicasets", "/apis/apps/v1/replicasets"), ("jobs", "/apis/batch/v1/jobs")):
        yield name, _metadata(path), Facts(cluster, cluster.owners, _uid, _owner, 2 * most)
    node_facts = Facts(cluster, cluster.nodes, _name, lambda meta: _of_node(cluster, meta), most)
    yield "nodes", _metadata("/api/v1/nodes", nodes), node_facts
    if cluster.rules.namespaces:
        facts = Facts(cluster, cluster.namespaces, _name, lambda meta: cluster.rules.of("namespace", meta), most)
        yield "namespaces", _metadata("/api/v1/namespaces"), facts


def _metadata(path: str, query: Mapping[str, str] | None = None) -> Collection:
    return Collection(path, query or {}, METADATA, METADATA_WATCH)


def _uid(meta: Meta) -> str:
    return meta.uid


def _name(meta: Meta) -> str:
    return meta.name


def _owner(meta: Meta) -> Owner | None:
    return meta.controller


def _of_node(cluster: Cluster, meta: Meta) -> Pairs:
    labels, wanted = meta.labels or {}, cluster.rules.wanted
    pairs = {"k8s.node.uid": meta.uid, **{key: labels.get(label, "") for key, label in _LABELS.items()}}
    return (*((key, value) for key, value in pairs.items() if value and key in wanted), *cluster.rules.of("node", meta))
