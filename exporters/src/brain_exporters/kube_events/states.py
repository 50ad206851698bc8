"""States of objects as families: what the judgement needs and kube-state-metrics lacks.

Read every half minute, all of a kind at once; a scrape shows the last reading. A kind that the API server does not have
(Karpenter) is absent; one that may not be read makes the source ``states`` fail and leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from brain_exporters.kube_events.client import KubeClient, RefusedError, decode
from brain_exporters.kube_events.objects import Bare, Hpa, NodeClaim, Quota, Workload

T = TypeVar("T")
WORKLOADS: Final = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
_DISRUPTIONS: Final = frozenset({"Drifted", "DisruptionReason", "Expired", "Disrupted"})
"""Conditions of a NodeClaim that say it will be taken away (https://karpenter.sh/docs/concepts/disruption/)."""


@dataclass(slots=True)
class Reading:
    """What was read at once; by (kind, namespace, name) or by namespace and name."""

    workloads: dict[tuple[str, str, str], Workload] = field(default_factory=dict)
    revisions: dict[tuple[str, str, str], tuple[str, float]] = field(default_factory=dict)
    configs: dict[tuple[str, str, str], tuple[float, str]] = field(default_factory=dict)
    autoscalers: list[Hpa] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    claims: list[NodeClaim] = field(default_factory=list)


async def read(client: KubeClient, namespaces: Sequence[str]) -> Reading:
    """Everything.

    Raises:
        BrainError: Something of it cannot be read.
    """
    reading = Reading()
    for kind, plural in WORKLOADS.items():
        for item in await _all(client, _paths("/apis/apps/v1", plural, namespaces), Workload):
            reading.workloads[kind, item.metadata.namespace, item.metadata.name] = item
    for plural in ("replicasets", "controllerrevisions"):
        for bare in await _all(client, _paths("/apis/apps/v1", plural, namespaces), Bare, metadata_only=True):
            _take_revision(reading, bare)
    for bare in await _all(client, _paths("/api/v1", "configmaps", namespaces), Bare, metadata_only=True):
        if _LEADER not in bare.metadata.annotations:  # rewritten every few seconds by whoever leads
            written = bare.metadata.last_write()
            reading.configs["ConfigMap", bare.metadata.namespace, bare.metadata.name] = written
    reading.autoscalers = await _all(
        client, _paths("/apis/autoscaling/v2", "horizontalpodautoscalers", namespaces), Hpa
    )
    reading.quotas = await _all(client, _paths("/api/v1", "resourcequotas", namespaces), Quota)
    reading.claims = await _optional(client, "/apis/karpenter.sh/v1/nodeclaims", NodeClaim)
    return reading


_LEADER: Final = "control-plane.alpha.kubernetes.io/leader"
_REVISION: Final = "deployment.kubernetes.io/revision"


def _take_revision(reading: Reading, bare: Bare) -> None:
    """The newest revision of each workload, and when it was made."""
    owner, made = bare.metadata.owner, bare.metadata.created
    if owner is None or made is None:
        return
    key = (owner.kind, bare.metadata.namespace, owner.name)
    if key not in reading.workloads:
        return
    wanted = reading.workloads[key].metadata.annotations.get(_REVISION)
    own = bare.metadata.annotations.get(_REVISION, "")
    if wanted is not None and own != wanted:
        return
    known = reading.revisions.get(key)
    if known is None or made.timestamp() > known[1]:
        reading.revisions[key] = (own or bare.metadata.name, made.timestamp())


def families(reading: Reading, rollouts: Mapping[tuple[str, str, str], float], stale: Iterable[Stale]) -> list[Metric]:
    """One reading as families.

    Args:
        reading: What was read.
        rollouts: When each workload was rolled out last, seconds since the epoch.
        stale: Which configuration is older than what runs with it.
    """
    workload = ["namespace", "kind", "name"]
    rollout = GaugeMetricFamily(
        "kube_workload_last_rollout_timestamp_seconds",
        "When the workload's current revision was rolled out, seconds since the epoch.",
        labels=workload,
    )
    for (kind, namespace, name), moment in rollouts.items():
        rollout.add_metric([namespace, kind, name], moment)
    config = GaugeMetricFamily(
        "kube_workload_config_stale",
        "1 when a pod of the workload is older than configuration that it reads only at its start, else 0.",
        labels=[*workload, "config_kind", "config"],
    )
    for each in stale:
        config.add_metric([each.namespace, each.kind, each.name, each.config_kind, each.config], float(each.stale))
    return [rollout, config, _autoscalers(reading), _quotas(reading), _claims(reading)]


@dataclass(frozen=True, slots=True)
class Stale:
    """One workload and one configuration it reads at its start."""

    namespace: str
    kind: str
    name: str
    config_kind: str
    config: str
    stale: bool


def staleness(reading: Reading, oldest: Mapping[tuple[str, str, str], float]) -> list[Stale]:
    """Compare configuration with pods; ``oldest`` is when the oldest pod of each workload was made."""
    found = []
    for (kind, namespace, name), workload in reading.workloads.items():
        born = oldest.get((kind, namespace, name))
        for config_kind, config in sorted(set(workload.fixed_configs())):
            written = reading.configs.get((config_kind, namespace, config))
            if born is not None and written is not None:
                found.append(Stale(namespace, kind, name, config_kind, config, written[0] > born))
    return found


def _autoscalers(reading: Reading) -> Metric:
    family = GaugeMetricFamily(
        "kube_autoscaler_at_maximum",
        "1 when the autoscaler runs as many replicas as it may and cannot add any, else 0.",
        labels=["namespace", "autoscaler", "target_kind", "target", "scaler"],
    )
    for hpa in reading.autoscalers:
        scaler = "keda" if "scaledobject.keda.sh/name" in hpa.metadata.labels else "hpa"
        full = 0 < hpa.spec.maximum <= max(hpa.status.current, hpa.status.desired)
        target = hpa.spec.target
        labels = [hpa.metadata.namespace, hpa.metadata.name, target.kind, target.name, scaler]
        family.add_metric(labels, float(full))
    return family


def _quotas(reading: Reading) -> Metric:
    from kubernetes.utils.quantity import parse_quantity

    family = GaugeMetricFamily(
        "kube_quota_used_ratio",
        "Used part of a quota, 0 to 1; more where the quota was lowered.",
        labels=["namespace", "resourcequota", "resource"],
    )
    for quota in reading.quotas:
        for resource, hard in quota.status.hard.items():
            try:
                limit, used = parse_quantity(hard), parse_quantity(quota.status.used.get(resource, "0"))
            except ValueError:
                continue
            if limit > 0:
                labels = [quota.metadata.namespace, quota.metadata.name, resource]
                family.add_metric(labels, float(used / limit))
    return family


def _claims(reading: Reading) -> Metric:
    family = GaugeMetricFamily(
        "kube_karpenter_disruption",
        "1 while Karpenter takes the node away or has decided to.",
        labels=["node", "nodepool", "reason"],
    )
    for claim in reading.claims:
        reasons = {c.reason or c.type for c in claim.status.conditions if c.type in _DISRUPTIONS and c.status == "True"}
        if claim.metadata.deleted is not None:
            reasons.add("Terminating")
        pool = claim.metadata.labels.get("karpenter.sh/nodepool", "")
        for reason in sorted(reasons):
            family.add_metric([claim.status.node or claim.metadata.name, pool, reason], 1.0)
    return family


def _paths(base: str, plural: str, namespaces: Sequence[str]) -> list[str]:
    return [f"{base}/namespaces/{name}/{plural}" for name in namespaces] or [f"{base}/{plural}"]


async def _all(client: KubeClient, paths: Sequence[str], shape: type[T], metadata_only: bool = False) -> list[T]:
    found: list[T] = []
    for path in paths:
        async for page in client.pages(path, metadata_only):
            found += decode(page, _list_of(shape)).items or []
    return found


async def _optional(client: KubeClient, path: str, shape: type[T]) -> list[T]:
    """Nothing where the API server has no such kind."""
    try:
        return await _all(client, [path], shape)
    except RefusedError as error:
        if error.status == 404:
            return []
        raise


def _list_of(shape: type[T]) -> Any:  # noqa: ANN401 - a type made at run time
    return _LISTS.setdefault(shape, msgspec.defstruct("List", [("items", list[shape] | None, None)]))  # type: ignore[valid-type]


_LISTS: Final[dict[type, Any]] = {}
