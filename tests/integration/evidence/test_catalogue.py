"""Every query of the built-in catalogue, asked of a real Prometheus that holds what the usual exporters publish."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brain_common.clients.prometheus import PrometheusClient, PrometheusSettings
from brain_common.entity import Entity, EntityKind
from brain_engine.series import Edge, EdgeKind, Evidence
from brain_lab.replay.blocks import write_blocks
from brain_lab.replay.series import PromSeries
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import Window
from tests.integration.evidence.exposition import COUNT, STEP, everything, kube_state_metrics
from tests.integration.evidence.levels import levels
from tests.integration.evidence.samples import FOLDER, samples
from tests.servers.fixtures import PrometheusFactory
from tests.servers.provide import require

pytestmark = pytest.mark.anyio

CART = "lab/shop/service/cart"
NODE = "lab//node/10.0.0.7"
RDS = Entity("lab", "123", EntityKind.CLOUD_RESOURCE, "arn:aws:rds:eu-1:123:db:ledger")
SERVICES = {"recorded": "lab/shop/service/recorded", "http": CART} | {
    name: f"lab//service/{name}" for name in ("payments", "ledger", "stock")
}
# By signal: what each entity's level must be. The four ways to measure a service are four services here.
EXPECTED = {
    "service_request_rate": dict(zip(SERVICES.values(), (7.0, 10.0, 8.0, 8.0, 4.0), strict=True)),
    "service_error_ratio": dict(zip(SERVICES.values(), (0.125, 0.05, 0.25, 0.25, 0.25), strict=True)),
    "service_latency_mean": dict(zip(SERVICES.values(), (0.7, 0.2, 0.4, 0.4, 0.3), strict=True)),
    # Quantiles are interpolated within the bucket that holds all observations.
    "service_latency_p50": dict(zip(SERVICES.values(), (0.7, 0.175, 0.3, 0.3, 0.25), strict=True)),
    "service_latency_p90": dict(zip(SERVICES.values(), (0.7, 0.235, 0.46, 0.46, 0.37), strict=True)),
    "service_latency_p95": dict(zip(SERVICES.values(), (0.7, 0.2425, 0.48, 0.48, 0.385), strict=True)),
    "service_latency_p99": dict(zip(SERVICES.values(), (0.7, 0.2485, 0.496, 0.496, 0.397), strict=True)),
    "container_cpu_usage": {CART: 0.5},
    "container_cpu_throttled": {CART: 0.2},
    "container_memory_working_set": {CART: 300e6},
    "container_memory_of_limit": {CART: 0.5},
    "container_disk_writes": {CART: 1000.0},
    "container_disk_reads": {CART: 2000.0},
    "container_sockets": {CART: 10.0},
    "pod_network_dropped": {CART: 1.0},
    "container_restarts": {CART: 3.0},
    "container_waiting": {CART: 1.0},
    "container_oom_killed": {CART: 1.0},
    "pod_not_ready": {CART: 1.0},
    "deployment_unavailable": {CART: 2.0},
    "statefulset_unavailable": {"lab/shop/workload/db": 1.0},
    "daemonset_unavailable": {"lab/shop/workload/agent": 1.0},
    "job_failed": {"lab/shop/workload/backup": 4.0},
    "autoscaler_at_maximum": {CART: 0.5},
    "volume_used": {"lab/shop/workload/data-db-0": 0.9},
    "node_not_ready": {"lab//node/node-1": 1.0},
    "node_pressure": {"lab//node/node-1": 1.0},
    "node_disk_pressure": {"lab//node/node-1": 1.0},
    "node_memory_pressure": {"lab//node/node-1": 0.0},
    "node_cpu_busy": {NODE: 0.75},
    "node_memory_used": {NODE: 0.75},
    "node_disk_used": {NODE: 0.8},
    "node_disk_busy": {NODE: 0.6},
    "node_network_errors": {NODE: 2.0},
    "node_load_per_core": {NODE: 1.5},
}


async def gather(prometheus: PrometheusFactory, folder: Path, series: list[PromSeries]) -> Evidence:
    end = float(int(time.time() - 60) // 15 * 15)
    times = end - STEP * np.arange(COUNT, dtype=np.float64)[::-1]
    (folder / "tsdb").mkdir()
    write_blocks(series, times, folder / "tsdb", lambda done, of: None)
    server = prometheus(data_dir=folder)
    client = PrometheusClient(PrometheusSettings.model_validate({"url": server.url}))
    source = Gatherer([PrometheusEvidence(client, load_catalogue(), "lab", 60.0)])
    try:
        return (await source.gather(Window(end - 1200, end - 600, end, STEP))).evidence
    finally:
        await source.aclose()


@pytest.fixture(autouse=True)
def promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))


async def test_every_query_is_understood_and_answered(tmp_path: Path, prometheus: PrometheusFactory) -> None:
    series = sorted([*everything(), *samples()], key=lambda one: one.metric)
    evidence = await gather(prometheus, tmp_path, series)

    assert evidence.missing == ()
    found = {
        panel.signal.name: dict(zip(panel.entities, panel.values[:, -1].tolist(), strict=True))
        for panel in evidence.panels
    }
    all_expected = EXPECTED | levels()
    assert found.keys() == all_expected.keys() == load_catalogue().signals.keys()
    for signal, expected in all_expected.items():
        assert found[signal] == pytest.approx(expected, rel=1e-6), signal

    assert {replace(edge, rate=None) for edge in evidence.edges} == {
        Edge("lab//service/front", "lab//service/stock", EdgeKind.CALLS, "service_graph"),
        Edge("lab//service/front", CART, EdgeKind.CALLS, "istio"),
        Edge("lab/shop/workload/portal", "lab/shop/workload/search", EdgeKind.CALLS, "istio"),
        Edge("lab/emoji/workload/web", "lab/emoji/workload/voting", EdgeKind.CALLS, "linkerd"),
        Edge("lab//service/http", "lab//topic/orders", EdgeKind.USES, "topic_written"),
        Edge("lab//topic/orders", "lab//service/billing", EdgeKind.USES, "topic_read"),
        Edge(CART, "lab//node/node-1", EdgeKind.RUNS_ON, "placement"),
        Edge("lab//node/node-1", "lab//cloud-resource/eu-1a", EdgeKind.RUNS_ON, "zone"),
        Edge("lab/shop/workload/search", "lab/kube-system/workload/karpenter", EdgeKind.USES, "node_from_karpenter"),
        Edge(
            "lab/shop/workload/search",
            "lab/kube-system/workload/cluster-autoscaler",
            EdgeKind.USES,
            "node_from_cluster_autoscaler",
        ),
        Edge(CART, "lab/shop/workload/data-cart", EdgeKind.USES, "volume"),
        Edge("lab//service/ledger", str(RDS), EdgeKind.USES, "cloud_tag"),
    }
    rates = {edge.source: edge.rate for edge in evidence.edges if edge.rate is not None}
    assert rates.keys() == {"service_graph", "istio", "linkerd", "topic_written"}
    assert rates["service_graph"] == pytest.approx(4.0)
    assert rates["linkerd"] == pytest.approx(5.0)


async def test_two_kube_state_metrics_side_by_side_are_no_error(tmp_path: Path, prometheus: PrometheusFactory) -> None:
    """As for five minutes after each restart of it, under its old and its new address."""
    twice = [*everything(), *kube_state_metrics("10.0.0.10:8080")]
    evidence = await gather(prometheus, tmp_path, sorted(twice, key=lambda series: series.metric))
    assert evidence.missing == ()
    assert {panel.signal.name for panel in evidence.panels} >= EXPECTED.keys()


def test_every_edge_and_owner_rule_is_among_what_is_tried() -> None:
    """A rule that is added wants a sample: of signals, the levels say so."""
    catalogue = load_catalogue()
    calls, places = {"service_graph", "istio", "linkerd"}, {"placement", "zone"}
    nodes = {"node_from_karpenter", "node_from_cluster_autoscaler"}
    assert catalogue.edges.keys() == calls | places | nodes | {"topic_written", "topic_read", "volume", "cloud_tag"}
    assert catalogue.owners.keys() == {"kube_state", "mixin"}


def test_every_sample_says_where_its_names_are_from() -> None:
    for path in FOLDER.glob("*.prom"):
        assert path.read_text(encoding="utf-8").startswith("# Names: "), path.name
