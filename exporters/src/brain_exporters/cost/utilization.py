"""The cost of workloads: a node's price, split by what its pods ask for or use, whichever is more.

Of each node half the price is for CPU and half for memory. A pod's part of either is max(request, usage) / allocatable;
what no pod takes is idle; request beyond usage is waste. One query for each quantity, for all pods at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from brain_common.clients.prometheus import PrometheusClient
from brain_exporters.cost.config import UtilizationSettings

Pod = tuple[str, str]  # namespace, name
Workload = tuple[str, str, str]  # namespace, kind, name
_RESOURCES: Final = ("cpu", "memory")
_ALLOCATABLE: Final = 'sum by (node, resource) (kube_node_status_allocatable{resource=~"cpu|memory"})'
_TYPE: Final = "max by (node, label_node_kubernetes_io_instance_type) (kube_node_labels)"
_REQUESTED: Final = (
    'sum by (namespace, pod, node, resource) (kube_pod_container_resource_requests{resource=~"cpu|memory", node!=""})'
)
_CPU: Final = 'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="", pod!=""}[5m]))'
_MEMORY: Final = 'sum by (namespace, pod) (container_memory_working_set_bytes{container!="", pod!=""})'
_NODE: Final = 'max by (namespace, pod, node) (kube_pod_info{node!=""})'
_OWNER: Final = "max by (namespace, pod, owner_kind, owner_name) (kube_pod_owner)"
_REPLICA_SET: Final = "max by (namespace, replicaset, owner_kind, owner_name) (kube_replicaset_owner)"


@dataclass(slots=True)
class Usage:
    """One reading, amounts in currency per hour.

    Attributes:
        workloads: Cost of each.
        waste: Part of it that was asked for and not used.
        idle: Of each node, what nobody took.
        requests: Requests a second of each.
        unpriced: Nodes without a price.
    """

    workloads: dict[Workload, float] = field(default_factory=dict)
    waste: dict[Workload, float] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    requests: dict[tuple[str, str], float] = field(default_factory=dict)
    unpriced: int = 0


async def read(client: PrometheusClient, settings: UtilizationSettings, now: float) -> Usage:
    """Ask for everything, and split it.

    Raises:
        TemporaryError: Prometheus is away.
        PermanentError: It refuses a query.
    """
    ask = _Asker(client, now)
    allocatable = await ask(_ALLOCATABLE, "node", "resource")
    types = dict(list(await ask(_TYPE, "node", "label_node_kubernetes_io_instance_type")))
    requested = await ask(_REQUESTED, "namespace", "pod", "resource")
    used = {
        **{(*pod, "cpu"): value for pod, value in (await ask(_CPU, "namespace", "pod")).items()},
        **{(*pod, "memory"): value for pod, value in (await ask(_MEMORY, "namespace", "pod")).items()},
    }
    nodes = {(namespace, pod): node for namespace, pod, node in await ask(_NODE, "namespace", "pod", "node")}
    owners = _owners(
        list(await ask(_OWNER, "namespace", "pod", "owner_kind", "owner_name")),
        list(await ask(_REPLICA_SET, "namespace", "replicaset", "owner_kind", "owner_name")),
    )
    prices = {node: _price(settings, types.get(node, "")) for node, _ in allocatable}
    usage = _split(allocatable, prices, requested, used, nodes, owners)
    usage.requests = {
        (key[0], key[1]): value for key, value in (await ask(settings.requests, "namespace", "workload")).items()
    }
    return usage


class _Asker:
    """Values of an instant, by the values of labels."""

    def __init__(self, client: PrometheusClient, now: float) -> None:
        self._client = client
        self._now = now

    async def __call__(self, query: str, *labels: str) -> dict[tuple[str, ...], float]:
        matrix = await self._client.query_range(query, self._now, self._now, 60.0)
        values = (float(row[-1]) for row in matrix.values)
        found: dict[tuple[str, ...], float] = {}
        for series, value in zip(matrix.labels, values, strict=True):
            if value == value:  # no NaN
                key = tuple(series.get(label, "") for label in labels)
                found[key] = found.get(key, 0.0) + value
        return found


def _split(
    allocatable: Mapping[tuple[str, ...], float],
    prices: Mapping[str, float | None],
    requested: Mapping[tuple[str, ...], float],
    used: Mapping[tuple[str, ...], float],
    nodes: Mapping[tuple[str, str], str],
    owners: Mapping[Pod, tuple[str, str]],
) -> Usage:
    usage = Usage(unpriced=sum(price is None for price in prices.values()))
    usage.idle = {node: price for node, price in prices.items() if price is not None}
    for pod, node in nodes.items():
        price = prices.get(node)
        if price is None:
            continue
        kind, name = owners.get(pod, ("Pod", pod[1]))
        workload = (pod[0], kind, name)
        for resource in _RESOURCES:
            whole = allocatable.get((node, resource), 0.0)
            if whole <= 0:
                continue
            asked, taken = requested.get((*pod, resource), 0.0), used.get((*pod, resource), 0.0)
            rate = price / len(_RESOURCES) / whole
            cost, waste = rate * max(asked, taken), rate * max(asked - taken, 0.0)
            usage.workloads[workload] = usage.workloads.get(workload, 0.0) + cost
            usage.waste[workload] = usage.waste.get(workload, 0.0) + waste
            usage.idle[node] = usage.idle[node] - cost
    usage.idle = {node: max(amount, 0.0) for node, amount in usage.idle.items()}
    return usage


def _owners(pods: list[tuple[str, ...]], sets: list[tuple[str, ...]]) -> dict[Pod, tuple[str, str]]:
    """Kind and name of each pod's workload; of a replica set its deployment."""
    above = {(namespace, name): (kind, owner) for namespace, name, kind, owner in sets if kind not in ("", "<none>")}
    found: dict[Pod, tuple[str, str]] = {}
    for namespace, pod, kind, owner in pods:
        if kind not in ("", "<none>"):
            top = above.get((namespace, owner)) if kind == "ReplicaSet" else None
            found[namespace, pod] = top or (kind, owner)
    return found


def _price(settings: UtilizationSettings, kind: str) -> float | None:
    return settings.node_prices.get(kind, settings.default_node_price)
