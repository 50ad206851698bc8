"""What goes wrong in a real cluster is counted, repeats included, and kept, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from brain_exporters.runtime.run import Running
from brain_lab.servers.control_plane import STAGE_LABEL, ControlPlane
from tests.integration.exporters.kube_events.conftest import Started, counted, eventually, rows, series

pytestmark = pytest.mark.anyio


@pytest.fixture
def admin(shared_control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with shared_control_plane.client() as client:
        yield client


def make(admin: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = admin.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deployment(name: str, stage: str = "", **container: Any) -> dict[str, Any]:
    labels = {"app": name} | ({STAGE_LABEL: stage} if stage else {})
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1", **container}]}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod},
    }


def event(namespace: str, name: str, reason: str, count: int, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": "some-pod"},
        "reason": reason,
        "message": f"{reason} happened",
        "type": "Warning",
        "source": {"component": "kubelet", "host": "node-0"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": count,
        **more,
    }


def grow(admin: httpx.Client, namespace: str, name: str, **change: Any) -> None:
    answer = admin.patch(
        f"/api/v1/namespaces/{namespace}/events/{name}",
        json=change,
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200, answer.text


async def test_what_goes_wrong_in_a_cluster_is_counted_and_kept(
    admin: httpx.Client, kube_namespace: str, started: Started, tmp_path: Path
) -> None:
    apps, core = f"/apis/apps/v1/namespaces/{kube_namespace}", f"/api/v1/namespaces/{kube_namespace}"
    async with started() as run:
        make(admin, f"{apps}/deployments", deployment("crash", "crash-loop"))
        make(admin, f"{apps}/deployments", deployment("gpu", resources={"limits": {"nvidia.com/gpu": "1"}}))
        make(admin, f"{core}/events", event(kube_namespace, "oom", "OOMKilling", 1))
        scaled = {"kind": "Deployment", "apiVersion": "apps/v1", "name": "gpu"}
        metric = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
        }
        hpa = {"metadata": {"name": "auto"}, "spec": {"maxReplicas": 2, "scaleTargetRef": scaled, "metrics": [metric]}}
        make(admin, f"/apis/autoscaling/v2/namespaces/{kube_namespace}/horizontalpodautoscalers", hpa)
        for reason in ("FailedScheduling", "OOMKilling", "FailedGetResourceMetric"):
            await eventually(lambda reason=reason: counted(run, reason))
        await eventually(lambda: _at_least(run, "BackOff", 2))
        await eventually(lambda: rows(tmp_path / "lake", "events", "reason = 'BackOff'"))
        crashed = rows(tmp_path / "lake", "events", "reason = 'BackOff'")
        scaled_rows = await eventually(lambda: rows(tmp_path / "lake", "events", "reason = 'FailedGetResourceMetric'"))
    assert {(row["kind"], row["name"], row["involved_kind"]) for row in crashed} == {("workload", "crash", "Pod")}
    assert {row["name"] for row in scaled_rows} <= {"gpu", "auto"}  # what it scales, once its state has been read
    assert {row["cluster"] for row in crashed} == {"test"}


async def _at_least(run: Running, reason: str, number: float) -> bool:
    return await counted(run, reason) >= number


async def test_a_node_that_is_not_ready_is_counted(shared_control_plane: ControlPlane, started: Started) -> None:
    shared_control_plane.add_node("failing", labels={STAGE_LABEL: "heartbeat-lost"})
    async with started(namespaces=[]) as run:
        await eventually(lambda: counted(run, "NodeNotReady"))
        found = await series(run, "kube_events_total")
    assert any({"NodeNotReady", "Node"} <= set(labels) for labels in found)


@pytest.mark.parametrize("way", ["count", "series"])
async def test_repeats_are_counted_by_their_growth(
    admin: httpx.Client, kube_namespace: str, started: Started, tmp_path: Path, way: str
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"
    async with started() as run:
        make(admin, path, event(kube_namespace, "e", "Unhealthy", 1))
        await eventually(lambda: counted(run, "Unhealthy"))
        later = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for total in (5, 12):
            grown = {"count": total} if way == "count" else {"series": {"count": total, "lastObservedTime": later}}
            grow(admin, kube_namespace, "e", **grown)
        await eventually(lambda: _at_least(run, "Unhealthy", 12))
        grow(admin, kube_namespace, "e", message="changed, but not repeated")
        await asyncio.sleep(1.5)
        assert await counted(run, "Unhealthy") == 12
        kept = await eventually(lambda: _total(tmp_path, 12))
    assert kept[-1]["total"] == 12


def _total(folder: Path, total: int) -> list[dict[str, Any]]:
    kept = rows(folder / "lake", "events", "reason = 'Unhealthy'")
    return kept if sum(row["count"] for row in kept) == total else []


async def test_nothing_is_lost_or_repeated_over_a_restart(
    admin: httpx.Client, kube_namespace: str, started: Started, tmp_path: Path
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"
    make(admin, path, event(kube_namespace, "before", "Unhealthy", 3))
    async with started() as run:
        await eventually(lambda: _at_least(run, "Unhealthy", 3))
    grow(admin, kube_namespace, "before", count=5)
    make(admin, path, event(kube_namespace, "meanwhile", "Unhealthy", 2))
    async with started() as run:
        await eventually(lambda: _at_least(run, "Unhealthy", 7))
        await asyncio.sleep(1.5)
        assert await counted(run, "Unhealthy") == 7
        await eventually(lambda: _total(tmp_path, 7))


async def test_an_expired_version_is_no_loss(
    shared_control_plane: ControlPlane, admin: httpx.Client, kube_namespace: str, started: Started, tmp_path: Path
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"
    make(admin, path, event(kube_namespace, "before", "Unhealthy", 3))
    async with started() as run:
        await eventually(lambda: _at_least(run, "Unhealthy", 3))
    grow(admin, kube_namespace, "before", count=4)
    make(admin, path, event(kube_namespace, "meanwhile", "Unhealthy", 2))
    shared_control_plane.compact()
    shared_control_plane.restart_apiserver()
    async with started() as run:
        await eventually(lambda: _at_least(run, "Unhealthy", 6))
        await asyncio.sleep(1.5)
        assert await counted(run, "Unhealthy") == 6
        assert _total(tmp_path, 6)


async def test_an_api_server_that_comes_back_is_watched_on(
    shared_control_plane: ControlPlane, admin: httpx.Client, kube_namespace: str, started: Started
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"
    async with started() as run:
        await eventually(lambda: _up(run, 1.0))
        shared_control_plane.apiserver.stop()
        await eventually(lambda: _up(run, 0.0))
        shared_control_plane.apiserver.start()
        make(admin, path, event(kube_namespace, "after", "Unhealthy", 1))
        await eventually(lambda: counted(run, "Unhealthy"))
        await eventually(lambda: _up(run, 1.0))


async def _up(run: Running, value: float) -> bool:
    return (await series(run, "kube_events_up"))[()] == value


async def test_rules_leave_out_and_count_what_they_left_out(
    admin: httpx.Client, kube_namespace: str, started: Started
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"
    async with started(exclude=[{"reason": "Noise.*", "type": "Warning"}], involved_object_name=True) as run:
        make(admin, path, event(kube_namespace, "noise", "NoiseOne", 4))
        make(admin, path, event(kube_namespace, "signal", "Signal", 1))
        await eventually(lambda: counted(run, "Signal"))
        await eventually(lambda: _dropped(run, 4))
        found = await series(run, "kube_events_total")
    assert any("some-pod" in labels for labels in found)
    assert not any("NoiseOne" in labels for labels in found)


async def _dropped(run: Running, number: float) -> bool:
    return (await series(run, "kube_events_dropped_total")).get((), 0.0) == number


async def test_one_of_two_replicas_counts_and_the_other_takes_over(
    admin: httpx.Client, kube_namespace: str, started: Started
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/events"

    def election(identity: str) -> dict[str, Any]:
        return {"namespace": kube_namespace, "identity": identity, "lease_seconds": 3}

    async with started(state="b", leader_election=election("b")) as second:
        await eventually(lambda: _leads(second))
        async with started(state="a", leader_election=election("a")) as first:
            await asyncio.sleep(2)
            assert not await _leads(first)
            make(admin, path, event(kube_namespace, "one", "Unhealthy", 2))
            await eventually(lambda: _at_least(second, "Unhealthy", 2))
            assert await counted(first, "Unhealthy") == 0
            assert await _up(first, 1.0)
    async with started(state="a", leader_election=election("a")) as first:
        await eventually(lambda: _leads(first))


async def _leads(run: Running) -> bool:
    return (await series(run, "kube_events_leader"))[()] == 1.0
