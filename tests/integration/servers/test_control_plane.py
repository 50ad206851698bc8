"""The control plane is a real one: what the tests of the exporters rely on."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from brain_lab.servers.control_plane import STAGE_LABEL, ControlPlane
from tests.servers.fixtures import ControlPlaneFactory

PATIENCE = 60.0  # seconds


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlaneFactory) -> ControlPlane:
    return control_plane(users={"nobody": ["nothing"]}, controller_flags=["--node-monitor-period=1s"])


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[httpx.Client]:
    with client(plane, "admin") as admin:
        created = admin.post("/api/v1/nodes", json={"metadata": {"name": "n1"}})
        assert created.status_code == 201
        eventually(lambda: not admin.get("/api/v1/nodes/n1").json()["spec"].get("taints"))
        yield admin


def client(plane: ControlPlane, user: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {plane.token(user)}"}
    trusted = ssl.create_default_context(cafile=str(plane.ca_file))
    return httpx.Client(base_url=plane.url, verify=trusted, headers=headers, timeout=20, trust_env=False)


def eventually(holds: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)
    return found


def make_pod(api: httpx.Client, name: str, labels: dict[str, str] | None = None, **container: Any) -> None:
    spec = {"containers": [{"name": "main", "image": "anything", **container}]}
    body = {"metadata": {"name": name, "labels": labels or {}}, "spec": spec}
    assert api.post("/api/v1/namespaces/default/pods", json=body).status_code == 201


def status(api: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/namespaces/default/pods/{name}").json()["status"]
    return found


def reasons(api: httpx.Client, name: str) -> set[str]:
    found = api.get("/api/v1/events", params={"fieldSelector": f"involvedObject.name={name}"}).json()
    return {event["reason"] for event in found["items"]}


def test_a_pod_is_scheduled_and_runs(api: httpx.Client) -> None:
    make_pod(api, "well")
    eventually(lambda: status(api, "well").get("phase") == "Running")
    assert "Scheduled" in reasons(api, "well")


def test_a_pod_that_asks_for_a_gpu_is_not_scheduled(api: httpx.Client) -> None:
    make_pod(api, "gpu", resources={"limits": {"nvidia.com/gpu": "1"}})
    eventually(lambda: "FailedScheduling" in reasons(api, "gpu"))


def test_a_pod_runs_out_of_memory_again_and_again(api: httpx.Client) -> None:
    make_pod(api, "oom", {STAGE_LABEL: "oom-killed"})
    last = eventually(lambda: status(api, "oom").get("containerStatuses", [{}])[0].get("lastState"))
    assert last["terminated"]["reason"] == "OOMKilled"
    eventually(lambda: status(api, "oom")["containerStatuses"][0]["restartCount"] >= 2)
    eventually(lambda: "OOMKilling" in reasons(api, "oom"))


def test_a_pod_crashes_in_a_loop(api: httpx.Client) -> None:
    make_pod(api, "crash", {STAGE_LABEL: "crash-loop"})
    waiting = eventually(lambda: status(api, "crash").get("containerStatuses", [{}])[0].get("state", {}).get("waiting"))
    assert waiting["reason"] == "CrashLoopBackOff"
    eventually(lambda: "BackOff" in reasons(api, "crash"))


def test_a_token_without_rights_is_refused(plane: ControlPlane, api: httpx.Client) -> None:
    with client(plane, "nobody") as nobody:
        assert nobody.get("/api/v1/pods").status_code == 403
    with client(plane, "stranger") as stranger:
        assert stranger.get("/api/v1/pods").status_code == 401


def test_what_is_compacted_is_gone(plane: ControlPlane, api: httpx.Client) -> None:
    old = api.get("/api/v1/nodes").json()["metadata"]["resourceVersion"]
    for number in range(3):
        changed = {"metadata": {"annotations": {"number": str(number)}}}
        api.patch("/api/v1/nodes/n1", json=changed, headers={"Content-Type": "application/merge-patch+json"})
    plane.compact()
    plane.restart_api()
    answer = eventually(lambda: watch(plane, old))
    assert (answer["type"], answer["object"]["code"]) == ("ERROR", 410)


def watch(plane: ControlPlane, version: str) -> dict[str, Any] | None:
    """The first thing a watch from this version says."""
    query = {"watch": "1", "resourceVersion": str(max(1, int(version) - 50)), "timeoutSeconds": "2"}
    with client(plane, "admin") as admin, admin.stream("GET", "/api/v1/nodes", params=query) as response:
        lines = response.iter_lines()
        return next((httpx.Response(200, text=line).json() for line in lines if line), None)


def test_a_node_that_is_not_ready_is_said_to_be(api: httpx.Client) -> None:
    body = {"metadata": {"labels": {STAGE_LABEL: "not-ready"}}}
    api.patch("/api/v1/nodes/n1", json=body, headers={"Content-Type": "application/merge-patch+json"})
    eventually(lambda: "NodeNotReady" in reasons(api, "n1"))
