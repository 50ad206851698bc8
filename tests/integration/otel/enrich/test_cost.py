"""What workloads cost, out of a real Prometheus that has scraped the cost exporter."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_otel.enrich.cost import Cost, CostSettings
from brain_otel.enrich.kind import Context
from tests.integration.otel.enrich.running import heard, working
from tests.servers.fixtures import PrometheusFactory
from tests.servers.provide import require
from tests.unit.otel.enrich.samples import added, context

pytestmark = pytest.mark.anyio

CART = {"k8s.namespace.name": "shop", "k8s.deployment.name": "cart"}
FRONT = {"k8s.namespace.name": "shop", "service.name": "front"}
_AMOUNTS = {("shop", "Deployment", "cart"): 0.25, ("shop", "Deployment", "front"): 0.1, ("other",) * 3: 3.0}


def _blocks(folder: Path, end: int) -> Path:
    """Samples of fifteen minutes until ``end``, from two replicas of the exporter."""
    lines = [
        f'cost_workload_amount_per_hour{{namespace="{namespace}",kind="{kind}",name="{name}",currency="USD"'
        f',instance="{replica}"}} {amount} {at}'
        for (namespace, kind, name), amount in _AMOUNTS.items()
        for replica in ("a", "b")
        for at in range(end - 900, end + 1, 15)
    ]
    file = folder / "data.om"
    file.write_text("\n".join(["# TYPE cost_workload_amount_per_hour gauge", *lines, "# EOF", ""]))
    made = folder / "data" / "tsdb"
    command = [str(require("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(file), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made.parent


def _step(given: Context, url: str, **settings: object) -> Cost:
    own = {"prometheus": {"url": url, "deadline_seconds": 0.5}, "refresh_seconds": 0.05, **settings}
    return Cost(check_settings(own, CostSettings, "test"), given)


async def test_workloads_carry_their_cost_and_keep_it_while_prometheus_is_away(
    tmp_path: Path, prometheus: PrometheusFactory
) -> None:
    end = int(time.time()) - 3600
    server = await asyncio.to_thread(lambda: prometheus(data_dir=_blocks(tmp_path, end)))
    clock = ManualClock(end)
    given = context(clock=clock)
    step = _step(given, server.url, stale_seconds=600)
    async with working(given):
        await heard(given, "last_success_timestamp_seconds", end)
        assert added(step, CART) == {"brain.cost.usd_per_hour": 0.25}
        assert added(step, FRONT) == {"brain.cost.usd_per_hour": 0.1}
        assert added(step, {"service.name": "other"}) == {}
        await asyncio.to_thread(server.stop)
        await heard(given, "failures_total", 1.0)
        clock.advance(500)
        assert added(step, CART) == {"brain.cost.usd_per_hour": 0.25}
        clock.advance(200)
        assert added(step, CART) == {}


async def test_the_dearest_workloads_are_kept(tmp_path: Path, prometheus: PrometheusFactory) -> None:
    end = int(time.time()) - 3600
    server = await asyncio.to_thread(lambda: prometheus(data_dir=_blocks(tmp_path, end)))
    given = context(clock=ManualClock(end))
    step = _step(given, server.url, most_workloads=1, selector='kind="Deployment"')
    async with working(given):
        await heard(given, "last_success_timestamp_seconds", end)
        assert added(step, CART) == {"brain.cost.usd_per_hour": 0.25}
        assert added(step, FRONT) == {}
