"""The series are what real exporters would have shown of the recording."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from brain_lab.emit import metrics
from brain_lab.platforms import registry as platforms
from brain_lab.replay.series import PromSeries
from brain_lab.simulate import Recording
from tests.unit.lab_sim.worlds import broken, from_onset, healthy, platform, play, service

CATALOGUE = Path(__file__).parents[3] / "rca-service/src/brain_rca/evidence/signals"
CORE = ("services", "containers", "kubernetes", "nodes", "scaling", "gpus")
"""Files of the catalogue about what platforms have; of other exporters they show what their faults need."""

ABSENT = {
    "traces_span_metrics": "the platforms have the metrics of OpenTelemetry's instrumentation instead",
    "service:": "recording rules; Prometheus makes them",
    "namespace_workload_pod:": "a recording rule",
    "container_sockets": "cAdvisor's default leaves it out on EKS",
    "container_fs_reads": "no fault reads from a container's disk",
    "kube_statefulset": "the platforms run Deployments and Jobs",
    "kube_daemonset": "likewise",
    "kube_pod_owner": "part of a recording rule's name",
    "container_network_receive_bytes": "cAdvisor's traffic: no fault shows in it",
    "container_network_transmit_bytes": "likewise",
    "node_netstat": "no fault shows in what a node retransmits",
    "keda_scaler_detail_errors": "KEDA's scalers do not fail",
    "karpenter_nodeclaims_disrupted": "nodes that are taken away show in their number",
    "karpenter_cloudprovider_errors": "AWS' refusals show in its audit log",
    "cluster_autoscaler": "the platforms have Karpenter instead",
    "DCGM_FI_DEV_FB_FREE": "the platforms show the memory in use",
    "DCGM_FI_DEV_XID": "lost GPUs show in those that are left",
    "traces_service_graph_request_server_seconds_bucket": "sums and counts are enough for virtual nodes",
}
"""What the catalogue asks for and the platforms do not show, and why."""


@cache
def of(name: str, fault: str = "") -> tuple[PromSeries, ...]:
    return tuple(metrics.series(broken(name, fault) if fault else healthy(name, 0)))


def by_metric(series: tuple[PromSeries, ...]) -> dict[str, list[PromSeries]]:
    found = defaultdict(list)
    for one in series:
        found[one.metric].append(one)
    return found


@pytest.mark.parametrize("name", platforms.names())
def test_each_series_is_there_once_and_has_a_sample(name: str) -> None:
    series = of(name)
    assert len({(one.metric, tuple(sorted(one.labels.items()))) for one in series}) == len(series)
    assert all(not np.isnan(one.values).all() for one in series)
    length = len(metrics.scrape_times(healthy(name, 0)))
    assert {len(one.values) for one in series} == {length}


@pytest.mark.parametrize("name", platforms.names())
def test_series_of_a_metric_stand_together(name: str) -> None:
    names = [one.metric for one in of(name)]
    changes = sum(1 for one, other in pairwise(names) if one != other)
    assert changes + 1 == len(set(names))


def test_a_bank_has_about_as_many_series_as_a_bank_has() -> None:
    assert 6000 <= len(of("finance")) <= 9000


@pytest.mark.parametrize(
    ("name", "fault"), [("finance", ""), ("healthcare", "oom-kill"), ("automotive", "bad-rollout")]
)
def test_counters_grow_but_for_restarts_of_the_container(name: str, fault: str) -> None:
    for one in of(name, fault):
        if not one.counter:
            continue
        seen = one.values[~np.isnan(one.values)]
        falls = seen[1:] < seen[:-1]
        assert (seen >= 0.0).all()
        if one.metric.startswith("container_"):
            assert falls.sum() <= 10
        else:
            assert not falls.any(), one


def test_a_message_is_an_edge_from_who_sends_to_each_who_reads() -> None:
    totals = by_metric(of("healthcare"))["traces_service_graph_request_total"]
    messages = {
        (one.labels["client"], one.labels["server"])
        for one in totals
        if one.labels["connection_type"] == "messaging_system"
    }
    assert {reader for sender, reader in messages if sender == "monitor-gateway"} == {
        "vitals-processor",
        "vitals-archiver",
    }
    sender = healthy("healthcare", 0).platform.service("monitor-gateway")
    assert set(sender.produces) == {"vitals"}


def test_a_pod_that_no_node_has_room_for_says_so_while_it_is_so() -> None:
    assert "kube_pod_status_unschedulable" not in by_metric(of("healthcare"))
    waiting = by_metric(of("healthcare", "node-autoscaler-misbehaviour"))["kube_pod_status_unschedulable"]
    assert {value for one in waiting for value in one.values[~np.isnan(one.values)]} == {1.0}


def test_a_restarted_container_counts_from_zero() -> None:
    recording = broken("healthcare", "oom-kill")
    name = recording.truth[0].entity.name
    cpu = [
        one
        for one in of("healthcare", "oom-kill")
        if one.metric == "container_cpu_usage_seconds_total" and one.labels["container"] == name
    ]
    for one in cpu:
        seen = one.values[~np.isnan(one.values)]
        assert (np.diff(seen) < 0.0).any()
        assert seen.min() < 0.1 * seen.max()


def test_buckets_are_cumulative_and_the_last_is_the_count() -> None:
    buckets: dict[str, dict[float, np.ndarray]] = defaultdict(dict)
    counts = {}
    for one in of("healthcare"):
        if one.metric.endswith("duration_seconds_bucket"):
            buckets[one.labels["service_name"]][float(one.labels["le"])] = one.values
        elif one.metric.endswith("seconds_count") and one.labels.get("http_response_status_code") == "200":
            counts[one.labels["service_name"]] = one.values
    assert buckets
    for name, edges in buckets.items():
        rows = np.array([edges[edge] for edge in sorted(edges)])
        rows = rows[:, ~np.isnan(rows).any(axis=0)]
        assert (np.diff(rows, axis=0) >= 0.0).all()
        assert np.array_equal(edges[np.inf], counts[name], equal_nan=True)


def test_histogram_and_sum_tell_the_same_mean() -> None:
    series = by_metric(of("healthcare"))
    latency = healthy("healthcare", 0).station("chart-service", "latency").mean()
    total = {
        suffix: next(
            np.nanmax(one.values) - np.nanmin(one.values)
            for one in series[f"http_server_request_duration_seconds_{suffix}"]
            if one.labels["service_name"] == "chart-service" and one.labels["http_response_status_code"] == "200"
        )
        for suffix in ("sum", "count")
    }
    assert total["sum"] / total["count"] == pytest.approx(latency, rel=0.1)


def test_the_catalogue_finds_what_it_looks_for() -> None:
    shown = {one.metric for name in platforms.names() for one in of(name)}
    shown |= {one.metric for one in of("healthcare", "oom-kill")}
    lossy = play(platform(service("front")), from_onset("net_loss", "front", 0.2))
    shown |= {one.metric for one in metrics.series(lossy)}
    files = [yaml.safe_load((CATALOGUE / f"{name}.yaml").read_text(encoding="utf-8")) for name in CORE]
    queries = " ".join(entry["query"] for file in files for part in file.values() for entry in part.values())
    names = (
        r"[a-zA-Z_:][a-zA-Z0-9_:]*(?=[{\[])|(?:kube|node|karpenter|keda|cluster_autoscaler|DCGM|kafka)_[a-zA-Z0-9_]+"
    )
    selectors = re.findall(names, queries)
    asked = {name for name in selectors if "_" in name and not name.startswith(tuple(ABSENT))}
    assert len(asked) > 30
    assert asked <= shown


@pytest.mark.parametrize(
    "metric",
    [
        "istio_requests_total",
        "kafka_consumergroup_lag",
        "keda_scaler_metrics_value",
        "aws_rds_database_connections_average",
        "redis_commands_processed_total",
        "karpenter_nodeclaims_created_total",
        "kube_horizontalpodautoscaler_spec_max_replicas",
    ],
)
def test_every_platform_shows(metric: str) -> None:
    for name in platforms.names():
        assert by_metric(of(name))[metric], name


def test_gpus_and_devices_are_shown_where_there_are_some() -> None:
    series = by_metric(of("automotive"))
    assert series["DCGM_FI_DEV_GPU_UTIL"]
    assert series["fleet_devices_connected"]
    assert not by_metric(of("finance"))["DCGM_FI_DEV_GPU_UTIL"]


def test_a_kill_is_told_by_kube_state_metrics() -> None:
    series = by_metric(of("healthcare", "oom-kill"))
    name = broken("healthcare", "oom-kill").truth[0].entity.name
    (killed, *_) = series["kube_pod_container_status_last_terminated_reason"]
    assert killed.labels["reason"] == "OOMKilled"
    assert killed.labels["container"] == name
    restarts = [one for one in series["kube_pod_container_status_restarts_total"] if one.labels["container"] == name]
    assert all(np.nanmax(one.values) >= 1.0 for one in restarts)


def test_too_low_a_rate_limit_shows_in_the_mesh_only() -> None:
    recording = broken("finance", "rate-limit-too-low")
    name = recording.truth[0].entity.name
    series = by_metric(of("finance", "rate-limit-too-low"))
    limited = [one for one in series["istio_requests_total"] if one.labels["response_code"] == "429"]
    assert {one.labels["destination_workload"] for one in limited} == {name}
    own = [
        one
        for one in series["http_server_request_duration_seconds_count"]
        if one.labels["service_name"] == name and one.labels["http_response_status_code"] == "503"
    ]
    assert own == []


def test_some_scrapes_are_missing_and_the_same_ones_each_time() -> None:
    recording = healthy("finance", 0)
    gaps = [np.isnan(one.values).sum() for one in of("finance") if one.metric == "node_load5"]
    assert sum(np.isnan(one.values).sum() for one in of("finance")) > 100
    again = [np.isnan(one.values).sum() for one in metrics.series(recording) if one.metric == "node_load5"]
    assert gaps == again
    http = [one for one in metrics.series(recording, missing=False) if one.metric.startswith("http_")]
    assert not any(np.isnan(one.values).any() for one in http)


def test_a_small_platform_has_metrics_as_well() -> None:
    """Without databases, caches, topics, autoscalers or fleets."""
    recording: Recording = play(platform(service("front")), seconds=300.0)
    assert {"node_load5", "kube_pod_info"} <= {one.metric for one in metrics.series(recording)}
