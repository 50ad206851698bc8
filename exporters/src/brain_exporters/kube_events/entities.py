"""Which entity an event is about: of a pod its workload, else what the object's kind says.

Owners come from the metadata that the rounds over objects read. For a pod that they have not seen yet, or not any
more, its name tells the owner: the controllers of Kubernetes make names from the owner's and a suffix from an alphabet
without vowels (k8s.io/apimachinery/pkg/util/rand).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from brain_common.entity import EntityKind

Named = tuple[str, str, str]
"""Namespace, kind of entity, name."""

_SAFE: Final = "[bcdfghjklmnpqrstvwxz2456789]"
_OF_REPLICA_SET: Final = re.compile(rf"(.+)-{_SAFE}{{6,10}}-{_SAFE}{{5}}")
_REPLICA_SET: Final = re.compile(rf"(.+)-{_SAFE}{{6,10}}")
_SUFFIXED: Final = re.compile(
    rf"(.+?)(?:-\d{{8,}})?-{_SAFE}{{5}}"
)  # DaemonSet, Job; a CronJob's has its minute besides
_NUMBERED: Final = re.compile(r"(.+)-\d{1,5}")  # StatefulSet
_WORKLOADS: Final = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "Rollout", "ScaledObject"}
)
_SERVICES: Final = frozenset({"Service", "Endpoints", "Ingress"})


class Owners:
    """What is known of owners: replaced as a whole by each round over objects."""

    def __init__(self) -> None:
        self._pods: Mapping[tuple[str, str], str] = {}
        self._targets: Mapping[tuple[str, str], str] = {}

    def replace(self, pods: Mapping[tuple[str, str], str], targets: Mapping[tuple[str, str], str]) -> None:
        """Names of workloads by namespace and name of a pod; and of an autoscaler."""
        self._pods, self._targets = pods, targets

    def entity(self, kind: str, namespace: str, name: str) -> Named:
        """The entity of an object."""
        if kind == "Pod":
            owner = self._pods.get((namespace, name)) or workload_by_name(name)
            return (namespace, EntityKind.WORKLOAD.value, owner) if owner else (namespace, EntityKind.POD.value, name)
        if kind == "ReplicaSet":
            match = _REPLICA_SET.fullmatch(name)
            return namespace, EntityKind.WORKLOAD.value, match[1] if match else name
        if kind == "HorizontalPodAutoscaler":
            return namespace, EntityKind.WORKLOAD.value, self._targets.get((namespace, name), name)
        if kind in _WORKLOADS:
            return namespace, EntityKind.WORKLOAD.value, name
        if kind == "Node":
            return "", EntityKind.NODE.value, name
        if kind in _SERVICES:
            return namespace, EntityKind.SERVICE.value, name
        return namespace, EntityKind.CLOUD_RESOURCE.value, f"{kind.lower()}/{name}"


def workload_by_name(pod: str) -> str | None:
    """The workload that a pod's name tells of; None: the pod seems to be on its own."""
    for pattern in (_OF_REPLICA_SET, _SUFFIXED, _NUMBERED):
        match = pattern.fullmatch(pod)
        if match and any(c.isdigit() for c in pod[len(match[1]) :]):  # else "my-proxy" would be of "my"
            return match[1]
    return None
