"""A large system as Prometheus would have scraped it, with a fault in its last minutes; pure numpy, from a seed.

Every service has a deployment with an autoscaler and a volume, one pod, and a node of its own, so that thirty signals
of the product's catalogue have one series for each service: seven about the service, fifteen about its pod and objects,
eight about its node. Services call one another in layers. In the fault, one service of the lowest layer becomes slow
and hungry, and whoever waits for it becomes slow as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.recorded.model import Array
from brain_lab.replay.series import PromSeries, pod_name

NAMESPACE: Final = "bench"
SCRAPE_SECONDS: Final = 15.0
SIGNALS: Final = 30
LAYERS: Final = 4
_CALLEES: Final = 2  # of each service, in the layer below
_SLOWER: Final = 20.0  # times the usual latency of the cause
_HUNGRIER: Final = 4.0  # times its usual CPU

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with one series a service.

    Attributes:
        name: In Prometheus.
        about: ``service``, ``pod``, ``container``, ``deployment``, ``horizontalpodautoscaler``,
            ``persistentvolumeclaim`` or ``node``: which labels its series carry.
        level: Usual value; of a counter, its growth a second.
        noise: Spread around it, relative; 0 is constant.
        counter: Whether it is a counter.
        labels: Further ones.
        fault: What the fault multiplies it by at full strength: ``slow``, ``hungry`` or nothing.
    """

    name: str
    about: str
    level: float
    noise: float = 0.0
    counter: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    fault: str = ""


def _quiet(name: str, about: str, *labels: tuple[str, str]) -> Metric:
    return Metric(name, about, 0.0, labels=labels)


def _packets(exporter: str, about: str, words: Sequence[str]) -> tuple[Metric, ...]:
    return tuple(Metric(f"{exporter}_{word}_total", about, 0.01, 0.2, counter=True) for word in words)


METRICS: Final = (
    Metric("service:requests:rate", "service", 50.0, 0.05),
    Metric("service:request_errors:ratio", "service", 0.001, 0.3),
    Metric("service:request_duration_seconds:mean", "service", 0.05, 0.05, fault="slow"),
    Metric("service:request_duration_seconds:p50", "service", 0.04, 0.05, fault="slow"),
    Metric("service:request_duration_seconds:p90", "service", 0.09, 0.05, fault="slow"),
    Metric("service:request_duration_seconds:p95", "service", 0.12, 0.05, fault="slow"),
    Metric("service:request_duration_seconds:p99", "service", 0.2, 0.05, fault="slow"),
    Metric("container_cpu_usage_seconds_total", "container", 0.2, 0.1, counter=True, fault="hungry"),
    Metric("container_cpu_cfs_throttled_periods_total", "container", 0.1, 0.2, counter=True, fault="hungry"),
    Metric("container_cpu_cfs_periods_total", "container", 10.0, counter=True),
    Metric("container_memory_working_set_bytes", "container", 3e8, 0.02),
    Metric("container_fs_writes_bytes_total", "container", 2e4, 0.3, counter=True),
    Metric("container_fs_reads_bytes_total", "container", 1e4, 0.3, counter=True),
    Metric("container_sockets", "container", 40.0, 0.1),
    *_packets(
        "container_network",
        "pod",
        ("receive_packets_dropped", "transmit_packets_dropped", "receive_errors", "transmit_errors"),
    ),
    Metric("kube_pod_container_resource_limits", "container", 1e9, labels=(("resource", "memory"),)),
    Metric("kube_pod_container_status_restarts_total", "container", 0.0, counter=True),
    _quiet("kube_pod_container_status_waiting_reason", "container", ("reason", "CrashLoopBackOff")),
    _quiet("kube_pod_container_status_last_terminated_reason", "container", ("reason", "OOMKilled")),
    _quiet("kube_pod_status_ready", "pod", ("condition", "false")),
    Metric("kube_pod_status_phase", "pod", 1.0, labels=(("phase", "Running"),)),
    _quiet("kube_deployment_status_replicas_unavailable", "deployment"),
    Metric("kube_horizontalpodautoscaler_status_current_replicas", "horizontalpodautoscaler", 2.0),
    Metric("kube_horizontalpodautoscaler_spec_max_replicas", "horizontalpodautoscaler", 10.0),
    Metric("kubelet_volume_stats_used_bytes", "persistentvolumeclaim", 4e9, 0.01),
    Metric("kubelet_volume_stats_capacity_bytes", "persistentvolumeclaim", 1e10),
    _quiet("kube_node_status_condition", "node", ("condition", "Ready"), ("status", "false")),
    _quiet("kube_node_status_condition", "node", ("condition", "MemoryPressure"), ("status", "true")),
    Metric("node_cpu_seconds_total", "node", 0.7, 0.05, counter=True, labels=(("mode", "idle"), ("cpu", "0"))),
    Metric("node_memory_MemAvailable_bytes", "node", 8e9, 0.02),
    Metric("node_memory_MemTotal_bytes", "node", 1.6e10),
    Metric("node_filesystem_avail_bytes", "node", 5e10, 0.01, labels=(("fstype", "ext4"), ("mountpoint", "/"))),
    Metric("node_filesystem_size_bytes", "node", 1e11, labels=(("fstype", "ext4"), ("mountpoint", "/"))),
    Metric("node_disk_io_time_seconds_total", "node", 0.1, 0.2, counter=True, labels=(("device", "sda"),)),
    *_packets("node_network", "node", ("receive_drop", "transmit_drop", "receive_errs", "transmit_errs")),
    Metric("node_load5", "node", 1.0, 0.1),
    Metric("kube_pod_info", "placed", 1.0),
    Metric("namespace_workload_pod:kube_pod_owner:relabel", "owned", 1.0),
)
"""All series there is one of for each service; thirty signals and the placement and owner of each pod."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What happened to it.

    Attributes:
        times: [T] seconds since the epoch, ``SCRAPE_SECONDS`` apart.
        series: All of them, those of one metric next to each other.
        cause: Name of the service with the fault.
        victims: Services that wait for it, directly or not, sorted.
    """

    times: Array
    series: tuple[PromSeries, ...]
    cause: str
    victims: tuple[str, ...]


def build(services: int, end: float, seconds: float, fault_seconds: float, seed: int = 7) -> Estate:
    """The last ``seconds`` until ``end``, with a fault in the last ``fault_seconds`` of them.

    Args:
        services: How many; at least ``LAYERS``.
        end: Seconds since the epoch; a multiple of ``SCRAPE_SECONDS``.
        seconds: Length of the recording.
        fault_seconds: Length of the fault.
        seed: Another one, other noise.
    """
    rng = np.random.default_rng(seed)
    times = end - np.arange(seconds // SCRAPE_SECONDS + 1)[::-1] * SCRAPE_SECONDS
    edges = _edges(services)
    cause = services - 1
    shares = _shares(services, edges, cause)
    strength = np.clip((times - (end - fault_seconds)) / 60.0, 0.0, 1.0)
    factors = {
        "": np.ones((services, len(times))),
        "slow": 1.0 + (_SLOWER - 1.0) * shares[:, None] * strength,
        "hungry": 1.0 + (_HUNGRIER - 1.0) * (np.arange(services) == cause)[:, None] * strength,
    }
    series = [one for metric in METRICS for one in _series(rng, metric, factors[metric.fault])]
    series += _calls(edges, times)
    victims = tuple(name_of(int(n)) for n in np.flatnonzero(shares) if n != cause)
    return Estate(times, tuple(series), name_of(cause), victims)


def name_of(service: int) -> str:
    """Of a service, by its number."""
    return f"service-{service:03d}"


def _edges(services: int) -> list[tuple[int, int]]:
    """(caller, callee): layers by number, each service calls the next few of the layer below."""
    width = services // LAYERS
    found = set()
    for caller in range((LAYERS - 1) * width):
        layer = caller // width
        below = (layer + 1) * width
        size = services - below if layer == LAYERS - 2 else width  # the lowest layer takes the remainder
        # Counted from the end, so that the cause, the last of all, is called whatever the remainder.
        last = below + size - 1
        found |= {(caller, last - (caller % width + n) % size) for n in range(_CALLEES)}
    return sorted(found)


def _shares(services: int, edges: Sequence[tuple[int, int]], cause: int) -> NDArray[np.float64]:
    """[services] which part of the cause's slowness each feels; half of it gets to each caller."""
    shares = np.zeros(services)
    shares[cause] = 1.0
    for caller, callee in sorted(edges, reverse=True):  # callees have higher numbers
        shares[caller] = max(shares[caller], 0.5 * shares[callee])
    return shares


def _series(rng: np.random.Generator, metric: Metric, factors: Array) -> Iterator[PromSeries]:
    values = metric.level * factors
    if metric.noise:
        values = values * np.exp(metric.noise * rng.normal(size=values.shape))
    if metric.counter:
        values = np.cumsum(values * SCRAPE_SECONDS, axis=1)
    for service, row in enumerate(values):
        yield PromSeries(metric.name, metric.counter, _labels(metric, service), row)


def _labels(metric: Metric, service: int) -> dict[str, str]:
    name, node = name_of(service), f"node-{service:03d}"
    pod = pod_name(name)
    labels = {
        "service": {"namespace": NAMESPACE, "service": name},
        "pod": {"namespace": NAMESPACE, "pod": pod},
        "container": {"namespace": NAMESPACE, "pod": pod, "container": "main"},
        "node": {"node": node, "instance": f"{node}:9100"},
        "placed": {"namespace": NAMESPACE, "pod": pod, "node": node},
        "owned": {"namespace": NAMESPACE, "pod": pod, "workload": name},
    }.get(metric.about, {"namespace": NAMESPACE, metric.about: name})
    return {**labels, **dict(metric.labels)}


def _calls(edges: Sequence[tuple[int, int]], times: Array) -> Iterator[PromSeries]:
    total = np.cumsum(np.full(len(times), 25.0 * SCRAPE_SECONDS))
    for caller, callee in edges:
        labels = {"client": name_of(caller), "server": name_of(callee)}
        yield PromSeries("traces_service_graph_request_total", True, labels, total)
