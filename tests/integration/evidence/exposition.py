"""What the usual exporters publish, by their own names and labels, as samples for a real Prometheus.

OpenTelemetry's HTTP server metrics and span metrics, the service graph, Istio, cAdvisor, kube-state-metrics, kubelet
and node exporter. Each series is a gauge of one level or a counter of one rate, so that what a query must answer is
known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from brain_lab.replay.series import PromSeries

STEP = 15.0
COUNT = 121  # half an hour

POD = {"namespace": "shop", "pod": "cart-6d5f8c7b9d-x2x9k"}
CONTAINER = {**POD, "container": "cart", "image": "registry/cart:1", "name": "k8s_cart"}
SANDBOX = {**POD, "container": "POD", "image": "pause", "name": "k8s_POD"}
WHOLE_POD = {**POD, "container": ""}
KSM = {"job": "kube-state-metrics", "instance": "10.0.0.9:8080"}
NODE = {"job": "node-exporter", "instance": "10.0.0.7:9100"}


def _series(metric: str, labels: Mapping[str, str], values: np.ndarray, *, counter: bool) -> PromSeries:
    return PromSeries(metric, counter, dict(labels), np.asarray(values, dtype=np.float64))


def gauge(metric: str, level: float, **labels: str) -> PromSeries:
    return _series(metric, labels, np.full(COUNT, level), counter=False)


def counter(metric: str, rate: float, **labels: str) -> PromSeries:
    return _series(metric, labels, rate * STEP * np.arange(COUNT), counter=True)


def histogram(
    metric: str, rate: float, seconds: float, bounds: tuple[float, ...], **labels: str
) -> Iterator[PromSeries]:
    """Each observation is ``seconds``, in the unit of ``bounds``. Buckets as gauges: they are read as text anyway."""
    for bound in (*bounds, np.inf):
        le = "+Inf" if bound == np.inf else f"{bound:g}"
        values = (rate if seconds <= bound else 0.0) * STEP * np.arange(COUNT)
        yield _series(f"{metric}_bucket", {**labels, "le": le}, values, counter=False)
    yield _series(f"{metric}_count", labels, rate * STEP * np.arange(COUNT), counter=False)
    yield _series(f"{metric}_sum", labels, rate * seconds * STEP * np.arange(COUNT), counter=False)


def opentelemetry_http() -> Iterator[PromSeries]:
    """HTTP server semantic conventions, through the Collector: half a request in a second fails."""
    labels = {"service_name": "cart", "k8s_namespace_name": "shop", "http_request_method": "GET"}
    bounds = (0.1, 0.25, 0.5, 1.0)
    yield from histogram(
        "http_server_request_duration_seconds", 9.5, 0.2, bounds, **labels, http_response_status_code="200"
    )
    yield from histogram(
        "http_server_request_duration_seconds", 0.5, 0.2, bounds, **labels, http_response_status_code="500"
    )


def span_metrics() -> Iterator[PromSeries]:
    """The Collector's spanmetrics connector, in seconds for one service and in milliseconds for another."""
    for name, unit, latency, bounds in (
        ("payments", "seconds", 0.4, (0.1, 0.5, 1.0)),
        ("ledger", "milliseconds", 400.0, (100.0, 500.0, 1000.0)),
    ):
        labels = {"service_name": name, "span_kind": "SPAN_KIND_SERVER", "span_name": "/pay"}
        yield counter("traces_span_metrics_calls_total", 6.0, **labels, status_code="STATUS_CODE_UNSET")
        yield counter("traces_span_metrics_calls_total", 2.0, **labels, status_code="STATUS_CODE_ERROR")
        yield counter(
            "traces_span_metrics_calls_total", 99.0, **{**labels, "span_kind": "SPAN_KIND_CLIENT"}, status_code="x"
        )
        yield from histogram(f"traces_span_metrics_duration_{unit}", 8.0, latency, bounds, **labels)


def service_graph() -> Iterator[PromSeries]:
    labels = {"client": "front", "server": "stock", "connection_type": ""}
    yield counter("traces_service_graph_request_total", 4.0, **labels)
    yield counter("traces_service_graph_request_failed_total", 1.0, **labels)
    yield from histogram("traces_service_graph_request_server_seconds", 4.0, 0.3, (0.1, 0.4, 1.0), **labels)


def messaging() -> Iterator[PromSeries]:
    """OpenTelemetry's messaging metrics."""
    yield counter("messaging_client_sent_messages_total", 2.0, service_name="http", messaging_destination_name="orders")


def cloud() -> Iterator[PromSeries]:
    """Yet-another-cloudwatch-exporter: what is there, with its tags."""
    yield gauge("aws_rds_info", 0.0, name="arn:aws:rds:eu-1:123:db:ledger", account_id="123", tag_Service="ledger")
    yield gauge("aws_elb_info", 0.0, name="arn:aws:elb:eu-1:123:lb/front", account_id="123", tag_Team="web")


def istio() -> Iterator[PromSeries]:
    yield counter(
        "istio_requests_total",
        3.0,
        source_workload="front",
        source_workload_namespace="shop",
        destination_workload="cart",
        destination_workload_namespace="shop",
        response_code="200",
    )


def cadvisor() -> Iterator[PromSeries]:
    for labels, share in ((CONTAINER, 1.0), (SANDBOX, 0.01), (WHOLE_POD, 1.01)):
        yield counter("container_cpu_usage_seconds_total", 0.5 * share, cpu="total", **labels)
        yield gauge("container_memory_working_set_bytes", 300e6 * share, **labels)
        yield counter("container_fs_writes_bytes_total", 1000.0 * share, device="/dev/sda", **labels)
        yield counter("container_fs_reads_bytes_total", 2000.0 * share, device="/dev/sda", **labels)
        yield gauge("container_sockets", 10.0 * share, **labels)
    yield counter("container_cpu_cfs_throttled_periods_total", 2.0, **CONTAINER)
    yield counter("container_cpu_cfs_periods_total", 10.0, **CONTAINER)
    for direction in ("receive", "transmit"):
        for kind in ("packets_dropped", "errors"):
            yield counter(f"container_network_{direction}_{kind}_total", 0.25, interface="eth0", **POD)


def kube_state_metrics(instance: str = KSM["instance"]) -> Iterator[PromSeries]:
    of = {"job": KSM["job"], "instance": instance}
    container = {**POD, "container": "cart", "uid": "u1"}
    yield gauge("kube_pod_info", 1, **POD, **of, uid="u1", node="node-1", created_by_kind="ReplicaSet")
    yield gauge("kube_pod_owner", 1, **POD, **of, owner_kind="ReplicaSet", owner_name="cart-6d5f8c7b9d")
    yield gauge("kube_pod_spec_volumes_persistentvolumeclaims_info", 1, **POD, **of, persistentvolumeclaim="data-cart")
    yield gauge("kube_node_labels", 1, **of, node="node-1", label_topology_kubernetes_io_zone="eu-1a")
    replicaset = {"namespace": "shop", "replicaset": "cart-6d5f8c7b9d"}
    yield gauge("kube_replicaset_owner", 1, **replicaset, **of, owner_kind="Deployment", owner_name="cart")
    yield gauge("kube_pod_container_resource_limits", 600e6, **container, **of, resource="memory", unit="byte")
    yield gauge("kube_pod_container_resource_limits", 2, **container, **of, resource="cpu", unit="core")
    yield counter("kube_pod_container_status_restarts_total", 0.01, **container, **of)
    reason = "CrashLoopBackOff"
    yield gauge("kube_pod_container_status_waiting_reason", 1, **container, **of, reason=reason)
    yield gauge("kube_pod_container_status_last_terminated_reason", 1, **container, **of, reason="OOMKilled")
    yield gauge("kube_pod_status_unschedulable", 1, namespace="shop", pod="search-7c9f8b6d5c-qwxyz", **of, uid="u2")
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        yield gauge("kube_pod_status_phase", float(phase == "Running"), **POD, **of, uid="u1", phase=phase)
    for condition in ("true", "false", "unknown"):
        yield gauge("kube_pod_status_ready", float(condition == "false"), **POD, **of, uid="u1", condition=condition)
    yield gauge("kube_deployment_status_replicas_unavailable", 2, namespace="shop", deployment="cart", **of)
    yield gauge("kube_statefulset_replicas", 3, namespace="shop", statefulset="db", **of)
    yield gauge("kube_statefulset_status_replicas_ready", 2, namespace="shop", statefulset="db", **of)
    yield gauge("kube_daemonset_status_number_unavailable", 1, namespace="shop", daemonset="agent", **of)
    yield gauge("kube_job_status_failed", 4, namespace="shop", job_name="backup", reason="BackoffLimitExceeded", **of)
    hpa = {"namespace": "shop", "horizontalpodautoscaler": "cart", **of}
    yield gauge("kube_horizontalpodautoscaler_status_current_replicas", 5, **hpa)
    yield gauge("kube_horizontalpodautoscaler_status_desired_replicas", 8, **hpa)
    yield gauge("kube_horizontalpodautoscaler_spec_max_replicas", 10, **hpa)
    for condition, status, value in (
        ("Ready", "true", 0),
        ("Ready", "false", 1),
        ("Ready", "unknown", 0),
        ("DiskPressure", "true", 1),
        ("PIDPressure", "true", 1),
        ("MemoryPressure", "true", 0),
    ):
        labels = {"node": "node-1", "condition": condition, "status": status}
        yield gauge("kube_node_status_condition", value, **labels, **of)


def kubelet() -> Iterator[PromSeries]:
    labels = {"namespace": "shop", "persistentvolumeclaim": "data-db-0", "instance": "10.0.0.7:10250"}
    yield gauge("kubelet_volume_stats_used_bytes", 9e9, **labels)
    yield gauge("kubelet_volume_stats_capacity_bytes", 10e9, **labels)


def node_exporter() -> Iterator[PromSeries]:
    for cpu in ("0", "1"):
        yield counter("node_cpu_seconds_total", 0.25, **NODE, cpu=cpu, mode="idle")
        yield counter("node_cpu_seconds_total", 0.75, **NODE, cpu=cpu, mode="user")
    yield gauge("node_memory_MemAvailable_bytes", 4e9, **NODE)
    yield gauge("node_memory_MemTotal_bytes", 16e9, **NODE)
    for mount, fstype, free in (("/", "ext4", 2e9), ("/run", "tmpfs", 0.0)):
        labels = {**NODE, "mountpoint": mount, "fstype": fstype, "device": "/dev/sda1"}
        yield gauge("node_filesystem_avail_bytes", free, **labels)
        yield gauge("node_filesystem_size_bytes", 10e9, **labels)
    yield counter("node_disk_io_time_seconds_total", 0.6, **NODE, device="sda")
    for direction in ("receive", "transmit"):
        for kind in ("drop", "errs"):
            yield counter(f"node_network_{direction}_{kind}_total", 0.5, **NODE, device="eth0")
    yield gauge("node_load5", 3.0, **NODE)


def recorded() -> Iterator[PromSeries]:
    """Recording rules: this product's own, and kubernetes-mixin's owners."""
    labels = {"namespace": "shop", "service": "recorded"}
    yield gauge("service:requests:rate", 7.0, **labels)
    yield gauge("service:request_errors:ratio", 0.125, **labels)
    for kind in ("mean", "p50", "p90", "p95", "p99"):
        yield gauge(f"service:request_duration_seconds:{kind}", 0.7, **labels)
    owner = {"namespace": "shop", "pod": "db-0", "workload": "db", "workload_type": "statefulset"}
    yield gauge("namespace_workload_pod:kube_pod_owner:relabel", 1, **owner)


def everything() -> list[PromSeries]:
    """All of them, those of one metric next to each other."""
    sources = (
        opentelemetry_http,
        span_metrics,
        service_graph,
        istio,
        messaging,
        cloud,
        cadvisor,
        kube_state_metrics,
        kubelet,
        node_exporter,
        recorded,
    )
    return sorted((series for source in sources for series in source()), key=lambda series: series.metric)
