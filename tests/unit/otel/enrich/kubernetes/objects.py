"""Objects of Kubernetes as the API server sends them, and a cluster that has heard of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_otel.batch import Batch, Group
from brain_otel.enrich.kind import Context
from brain_otel.enrich.kubernetes import Kubernetes
from brain_otel.enrich.kubernetes.cluster import Cluster, Pods
from brain_otel.enrich.kubernetes.config import KubernetesSettings
from brain_otel.enrich.kubernetes.metrics import Metrics
from brain_otel.enrich.kubernetes.watches import followed
from brain_otel.signals import WIRES, Signal

OWNERS = [{"kind": "ReplicaSet", "name": "cart-5d4f8c7b9", "uid": "rs1", "controller": True}]
IMAGE = "registry:5000/shop/cart:1.2@sha256:ab"


def raw(item: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(item).encode())


def pod(uid: str, **more: Any) -> dict[str, Any]:
    """A pod of the Deployment cart on node n1, with the address 10.0.0.1."""
    meta = {
        "name": more.pop("name", f"cart-{uid}"),
        "namespace": "shop",
        "uid": uid,
        "creationTimestamp": more.pop("since", "2026-01-01T00:00:00Z"),
        "ownerReferences": more.pop("owners", OWNERS),
        "labels": more.pop("labels", None),
        "annotations": more.pop("annotations", None),
    }
    containers = more.pop("containers", [{"name": "main", "image": IMAGE}])
    statuses = [{"name": each["name"], "containerID": f"containerd://{uid}-{each['name']}"} for each in containers]
    ip = more.pop("ip", "10.0.0.1")
    return {
        "metadata": meta,
        "spec": {"nodeName": "n1", "containers": containers, "hostNetwork": more.pop("host_network", False)},
        "status": {
            "phase": more.pop("phase", "Running"),
            "podIP": ip,
            "podIPs": [{"ip": ip}, *more.pop("ips", [])],
            "containerStatuses": statuses,
        },
        **more,
    }


def owner(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "uid": uid, "controller": True}


def meta(name: str, uid: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid, **more}}


REPLICA_SET = meta("cart-5d4f8c7b9", "rs1", ownerReferences=[owner("Deployment", "cart", "d1")])
ZONES = {"topology.kubernetes.io/zone": "eu-1a", "topology.kubernetes.io/region": "eu-1"}
NODE = meta("n1", "node-uid", labels=ZONES)


def learn(cluster: Cluster, pods: Iterable[dict[str, Any]]) -> None:
    """The objects of this module, and these pods."""
    mirrors = {name: mirror for name, _, mirror in followed(KubernetesSettings(), cluster)}
    mirrors["replicasets"].put(raw(REPLICA_SET))
    mirrors["nodes"].put(raw(NODE))
    for each in pods:
        mirrors["pods"].put(raw(each))


class Known:
    """A step, what it knows, and a clock of its own."""

    def __init__(self, *pods: dict[str, Any], **settings: Any) -> None:
        self.settings = check_settings(settings, KubernetesSettings, "test")
        self.registry = CollectorRegistry()
        metrics = Metrics(Context("", ManualClock(0.0), self.registry))
        self.seconds = 0.0
        self.cluster = Cluster(self.settings, metrics.refused, lambda: self.seconds)
        self.mirrors = {name: mirror for name, _, mirror in followed(self.settings, self.cluster)}
        self.step = Kubernetes(self.settings, self.cluster, metrics)
        learn(self.cluster, pods)

    @property
    def pods(self) -> Pods:
        mirror = self.mirrors["pods"]
        assert isinstance(mirror, Pods)
        return mirror

    def sweep(self, seconds: float) -> None:
        self.seconds += seconds
        for mirror in self.mirrors.values():
            mirror.sweep()

    def enriched(self, peer: str = "", /, **resource: str) -> dict[str, str]:
        """What is added to a resource; ``_`` in names stands for a dot."""
        group = self._group(peer, resource)
        before = set(group.resource)
        self.step.enrich(group)
        return {
            pair.key: pair.value.string_value for pair in group.message.resource.attributes if pair.key not in before
        }

    def name(self, peer: str = "", /, **resource: str) -> str | None:
        """The uid of the pod that is found."""
        found, _ = self.step._associations.find(self._group(peer, resource))
        return found and found.uid

    def _group(self, peer: str, resource: dict[str, str]) -> Group:
        return resource_of({key.replace("_", "."): value for key, value in resource.items()}, peer)

    def value(self, metric: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"brain_otel_kubernetes_{metric}", labels)


def resource_of(attributes: dict[str, str], peer: str = "") -> Group:
    wire = WIRES[Signal.TRACES]
    request = wire.request()
    message = request.resource_spans.add()
    for key, value in attributes.items():
        message.resource.attributes.add(key=key).value.string_value = value
    return Batch(wire, request, peer).groups[0]
