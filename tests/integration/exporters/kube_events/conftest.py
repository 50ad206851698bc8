"""The exporter against the real control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from brain_common.settings import check_settings
from brain_exporters.kube_events import KIND
from brain_exporters.runtime.run import Running, running
from brain_lab.servers.control_plane import ControlPlane

PATIENCE = 60.0  # seconds
Started = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def started(shared_control_plane: ControlPlane, kube_namespace: str, tmp_path: Path) -> Started:
    """Runs the exporter on the test's own namespace, by default with the rights of the administrator."""

    @asynccontextmanager
    async def start(*, user: str = "admin", state: str = "state", **more: Any) -> AsyncIterator[Running]:
        api = {"kubeconfig": str(shared_control_plane.kubeconfig(user))}
        data = {
            "cluster": "test",
            "http": {"port": 0},
            "api": api,
            "namespaces": [kube_namespace],
            "state": str(tmp_path / state),
            "lake": {"path": str(tmp_path / "lake")},
            "states": {"interval_seconds": 5},
            **more,
        }
        async with running(KIND, check_settings(data, KIND.settings, "test")) as run:
            yield run

    return start


async def series(run: Running, name: str) -> dict[tuple[str, ...], float]:
    """Values of a metric by those values of its labels that are not empty."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{run.url}/metrics")).text
    return {
        tuple(value for value in sample.labels.values() if value): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def eventually(holds: Callable[[], Any]) -> Any:
    """The first true answer of a function, which may be asynchronous."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = holds()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.1)


async def counted(run: Running, reason: str) -> float:
    """Happenings of a reason."""
    return sum(value for labels, value in (await series(run, "kube_events_total")).items() if reason in labels)


def rows(lake: Path, table: str, where: str = "true") -> list[dict[str, Any]]:
    """Rows of a table of the lake."""
    files = str(lake / table / "**" / "*.parquet")
    if not list((lake / table).rglob("*.parquet")):
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = f"SELECT * FROM read_parquet(?, hive_partitioning = true) WHERE {where} ORDER BY timestamp"
        found = connection.execute(query, [files])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
