"""The join with utilization, against a real Prometheus."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from brain_common.clock import ManualClock
from brain_exporters.cost import KIND
from brain_exporters.runtime.run import running
from tests.integration.exporters.cost.exporter import in_loop, scraped, settings
from tests.servers.fixtures import PrometheusFactory
from tests.servers.provide import require

_SERIES: dict[str, Callable[[float], float]] = {
    'kube_node_status_allocatable{node="n1",resource="cpu"}': lambda _: 4.0,
    'kube_node_status_allocatable{node="n1",resource="memory"}': lambda _: 8e9,
    'kube_node_info{node="n1",provider_id="aws:///us-east-1a/i-0ab"}': lambda _: 1.0,
    'kube_node_labels{node="n1",label_node_kubernetes_io_instance_type="m5.xlarge"}': lambda _: 1.0,
    'kube_pod_info{namespace="shop",pod="cart-1",node="n1"}': lambda _: 1.0,
    'kube_pod_info{namespace="shop",pod="done-1",node="n1"}': lambda _: 1.0,
    'kube_pod_status_phase{namespace="shop",pod="cart-1",phase="Running"}': lambda _: 1.0,
    'kube_pod_status_phase{namespace="shop",pod="done-1",phase="Running"}': lambda _: 0.0,
    'kube_pod_owner{namespace="shop",pod="cart-1",owner_kind="ReplicaSet",owner_name="cart-7"'
    ',owner_is_controller="true"}': lambda _: 1.0,
    'kube_replicaset_owner{namespace="shop",replicaset="cart-7",owner_kind="Deployment",owner_name="cart"'
    ',owner_is_controller="true"}': lambda _: 1.0,
    'kube_pod_container_resource_requests{namespace="shop",pod="cart-1",container="c",resource="cpu"}': lambda _: 2.0,
    'kube_pod_container_resource_requests{namespace="shop",pod="cart-1",container="c",resource="memory"}': lambda _: (
        2e9
    ),
    'kube_pod_container_resource_requests{namespace="shop",pod="done-1",container="c",resource="cpu"}': lambda _: 2.0,
    'container_cpu_usage_seconds_total{namespace="shop",pod="cart-1",container="c"}': lambda seconds: seconds * 1.0,
    'container_memory_working_set_bytes{namespace="shop",pod="cart-1",container="c"}': lambda _: 4e9,
    'requests_per_second{namespace="shop",name="cart"}': lambda _: 10.0,
}


def _blocks(folder: Path, end: int) -> Path:
    lines = [
        f"{name} {value(at - end + 900)} {at}"
        for name, value in _SERIES.items()
        for at in range(end - 900, end + 1, 15)
    ]
    file = folder / "data.om"
    file.write_text("\n".join([*lines, "# EOF", ""]))
    made = folder / "data" / "tsdb"
    command = [str(require("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(file), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made.parent


@in_loop
async def test_workloads_waste_and_idle_share_the_price_of_the_node(
    tmp_path: Path, prometheus: PrometheusFactory
) -> None:
    end = int(time.time()) - 3600
    server = prometheus(data_dir=_blocks(tmp_path, end))
    asked = settings(
        tmp_path,
        workloads={
            "prometheus": {"url": server.url},
            "node_prices": {"m5.xlarge": 0.4},
            "request_rate_query": "requests_per_second",
        },
    )
    async with running(KIND, asked, ManualClock(end)) as exporter:
        found = await scraped(exporter.url, lambda samples: samples["cost_up",] == 1)
    cart = ("USD", "Deployment", "cart", "shop")
    assert round(found["cost_workload_amount_per_hour", *cart], 6) == 0.2  # half of the CPU, half of the memory
    assert round(found["cost_workload_waste_amount_per_hour", *cart], 6) == 0.05  # one requested core in two is unused
    assert round(found["cost_node_idle_amount_per_hour", "USD", "n1"], 6) == 0.2
    assert round(found["cost_per_request_amount", *cart] * 36_000, 6) == 0.2
    assert found["cost_nodes_unpriced",] == 0
