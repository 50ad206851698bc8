"""What workloads have of their nodes' price: node price times max(request, usage) / allocatable.

Few queries for a whole cluster, joined here by node and pod. A node's price is split between its CPU and its memory by
one weight; where pods have more than the node, their shares shrink together, so that no money is made up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from brain_common.clients.prometheus import PrometheusClient
from brain_common.errors import PermanentError
from brain_exporters.cost.config import WorkloadSettings

Workload = tuple[str, str, str]  # namespace, kind, name
Pod = tuple[str, str]  # namespace, name
_KINDS: Final = ("cpu", "memory")
_RATE: Final = "5m"  # spans four scrapes of a minute; cAdvisor itself refreshes each half minute
_LIVE: Final = 300.0  # seconds: Prometheus' own look-back, within which a series counts as there


@dataclass(slots=True)
class Utilization:
    """Of one moment. CPU in cores, memory in bytes, by node or pod and ``cpu`` or ``memory``."""

    allocatable: dict[tuple[str, str], float] = field(default_factory=dict)
    instance: dict[str, str] = field(default_factory=dict)
    instance_type: dict[str, str] = field(default_factory=dict)
    pod_node: dict[Pod, str] = field(default_factory=dict)
    pod_owner: dict[Pod, Workload] = field(default_factory=dict)
    requests: dict[tuple[Pod, str], float] = field(default_factory=dict)
    usage: dict[tuple[Pod, str], float] = field(default_factory=dict)
    request_rate: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(slots=True)
class Shares:
    """All in currency an hour, but ``per_request`` in currency."""

    workloads: dict[Workload, float] = field(default_factory=lambda: defaultdict(float))
    waste: dict[Workload, float] = field(default_factory=lambda: defaultdict(float))
    idle: dict[str, float] = field(default_factory=dict)
    nodes: dict[str, float] = field(default_factory=dict)
    per_request: dict[Workload, float] = field(default_factory=dict)
    unpriced: int = 0


async def utilization(client: PrometheusClient, settings: WorkloadSettings, now: float) -> Utilization:
    """Ask for all of it.

    Raises:
        TemporaryError: Prometheus does not answer.
        PermanentError: It refuses a query, or knows no node.
    """
    queries = _queries(settings)
    answers = await asyncio.gather(*(_instant(client, query, now) for query in queries.values()))
    by_name = dict(zip(queries, answers, strict=True))
    if not by_name["allocatable"]:
        raise PermanentError("Prometheus has no kube_node_status_allocatable; is kube-state-metrics scraped?")
    found = Utilization()
    for labels, value in by_name["allocatable"]:
        found.allocatable[labels["node"], labels["resource"]] = value
    for labels, _ in by_name["node"]:
        found.instance[labels["node"]] = labels.get("provider_id", "").rpartition("/")[2]
    for labels, _ in by_name["type"]:
        found.instance_type[labels["node"]] = labels.get("label_node_kubernetes_io_instance_type", "")
    for labels, _ in by_name["pod"]:
        found.pod_node[labels["namespace"], labels["pod"]] = labels["node"]
    _owners(found, by_name)
    for labels, value in by_name["requests"]:
        found.requests[(labels["namespace"], labels["pod"]), labels["resource"]] = value
    for kind in _KINDS:
        for labels, value in by_name[kind]:
            found.usage[(labels["namespace"], labels["pod"]), kind] = value
    for labels, value in by_name.get("rate", []):
        found.request_rate[labels.get("namespace", ""), labels.get("name", "")] = value
    return found


def shares(found: Utilization, settings: WorkloadSettings, instance_prices: Mapping[str, float]) -> Shares:
    """Who has how much of what."""
    result = Shares()
    for node in {node for node, _ in found.allocatable}:
        price = instance_prices.get(found.instance.get(node, ""))
        if price is None:
            price = settings.node_prices.get(found.instance_type.get(node, ""))
        if price is None:
            result.unpriced += 1
        else:
            result.nodes[node] = price
    used: dict[tuple[str, str], float] = defaultdict(float)
    for pod, node in found.pod_node.items():
        for kind in _KINDS:
            used[node, kind] += _taken(found, pod, kind)
    for node, price in result.nodes.items():
        result.idle[node] = price
    for pod, node in found.pod_node.items():
        if node in result.nodes:
            _share(result, found, settings, used, pod, node)
    _per_request(result, found)
    return result


def _share(
    result: Shares,
    found: Utilization,
    settings: WorkloadSettings,
    used: Mapping[tuple[str, str], float],
    pod: Pod,
    node: str,
) -> None:
    owner = found.pod_owner.get(pod, (pod[0], "Pod", pod[1]))
    for kind, weight in zip(_KINDS, (settings.cpu_weight, 1 - settings.cpu_weight), strict=True):
        whole = max(found.allocatable.get((node, kind), 0.0), used[node, kind])
        if whole <= 0:
            continue
        unit = result.nodes[node] * weight / whole
        taken = _taken(found, pod, kind)
        result.workloads[owner] += unit * taken
        result.waste[owner] += unit * max(0.0, taken - found.usage.get((pod, kind), 0.0))
        result.idle[node] = max(0.0, result.idle[node] - unit * taken)


def _taken(found: Utilization, pod: Pod, kind: str) -> float:
    return max(found.requests.get((pod, kind), 0.0), found.usage.get((pod, kind), 0.0))


def _per_request(result: Shares, found: Utilization) -> None:
    for workload, amount in result.workloads.items():
        rate = found.request_rate.get((workload[0], workload[2]), 0.0)
        if rate > 0:
            result.per_request[workload] = amount / 3600 / rate


def _queries(settings: WorkloadSettings) -> dict[str, str]:
    more = f",{settings.selector}" if settings.selector else ""
    kinds = f'resource=~"cpu|memory"{more}'
    # A pod that is done holds nothing of its node.
    phase = f'kube_pod_status_phase{{phase="Running"{more}}} == 1'
    live = f"* on (namespace, pod) group_left () max by (namespace, pod) ({phase})"
    owned = f'owner_is_controller="true"{more}'
    containers = f'container!="",pod!=""{more}'
    queries = {
        "allocatable": f"max by (node, resource) (kube_node_status_allocatable{{{kinds}}})",
        "node": f'max by (node, provider_id) (kube_node_info{{node!=""{more}}})',
        "type": f'max by (node, label_node_kubernetes_io_instance_type) (kube_node_labels{{node!=""{more}}})',
        "pod": f'max by (namespace, pod, node) (kube_pod_info{{node!=""{more}}}) {live}',
        "owner": f"max by (namespace, pod, owner_kind, owner_name) (kube_pod_owner{{{owned}}})",
        "replicaset": f"max by (namespace, replicaset, owner_kind, owner_name) (kube_replicaset_owner{{{owned}}})",
        "requests": f"sum by (namespace, pod, resource) (kube_pod_container_resource_requests{{{kinds}}})",
        "cpu": f"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{{containers}}}[{_RATE}]))",
        "memory": f"sum by (namespace, pod) (container_memory_working_set_bytes{{{containers}}})",
    }
    return queries | ({"rate": settings.request_rate_query} if settings.request_rate_query else {})


async def _instant(client: PrometheusClient, query: str, now: float) -> list[tuple[dict[str, str], float]]:
    matrix = await client.query_range(query, now, now, _LIVE)
    last = matrix.values[:, -1]
    return [(labels, float(value)) for labels, value in zip(matrix.labels, last, strict=True) if np.isfinite(value)]


def _owners(found: Utilization, answers: Mapping[str, list[tuple[dict[str, str], float]]]) -> None:
    """Pod to workload; what a Deployment's ReplicaSet owns, the Deployment owns."""
    above = {
        (labels["namespace"], labels["replicaset"]): (labels["owner_kind"], labels["owner_name"])
        for labels, _ in answers["replicaset"]
    }
    for labels, _ in answers["owner"]:
        namespace, kind, name = labels["namespace"], labels["owner_kind"], labels["owner_name"]
        if kind == "ReplicaSet":
            kind, name = above.get((namespace, name), (kind, name))
        found.pod_owner[namespace, labels["pod"]] = (namespace, kind, name)
