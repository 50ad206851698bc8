"""The control plane schedules, denies and forgets as a real one, and its pods and nodes fail when told to.

Most tests share one control plane, each in a namespace of its own; those that take the API server down or
change its settings start theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import pytest
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes import watch as k8s_watch

from brain_lab.servers.control_plane import STAGE_LABEL, ControlPlane
from tests.servers.fixtures import ControlPlaneFactory
from tests.servers.pins import pin_of

T = TypeVar("T")


def api_of(plane: ControlPlane, user: str = "admin") -> k8s.ApiClient:
    """The official client, by the file a user would be given."""
    return k8s_config.new_client_from_config(str(plane.kubeconfig(user)))


def eventually(look: Callable[[], T | None], timeout: float = 30) -> T:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
    return found


@pytest.fixture
def core(shared_control_plane: ControlPlane) -> Iterator[k8s.CoreV1Api]:
    """The core API of the shared control plane, as its admin."""
    with api_of(shared_control_plane) as api:
        yield k8s.CoreV1Api(api)


def pod(name: str, stage: str | None = None, limits: dict[str, str] | None = None) -> dict[str, Any]:
    """A pod of two containers, of which the first is the one that fails."""
    labels = {} if stage is None else {STAGE_LABEL: stage}
    main = {"name": "main", "image": "app:1", "resources": {"limits": limits or {}}}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [main, {"name": "side", "image": "s"}]},
    }


def statuses(core: k8s.CoreV1Api, namespace: str, name: str) -> list[Any]:
    """The states of a pod's containers."""
    return core.read_namespaced_pod(name, namespace).status.container_statuses or []


def events(core: k8s.CoreV1Api, namespace: str, reason: str) -> list[Any]:
    """The events of a namespace with a reason."""
    listed: list[Any] = core.list_namespaced_event(namespace, field_selector=f"reason={reason}").items
    return listed


def ready_condition(core: k8s.CoreV1Api, node: str) -> Any:
    """What a node says of its readiness."""
    conditions = core.read_node(node).status.conditions or []
    return next((condition for condition in conditions if condition.type == "Ready"), None)


def reaches(core: k8s.CoreV1Api, node: str, status: str) -> Any:
    """The condition with which a node has come to a status, or nothing yet."""
    condition = ready_condition(core, node)
    return condition if condition is not None and condition.status == status else None


def label_node(core: k8s.CoreV1Api, node: str, stage: str | None) -> None:
    """Choose what happens to a node."""
    core.patch_node(node, {"metadata": {"labels": {STAGE_LABEL: stage}}})


def watch_status(plane: ControlPlane, path: str, version: str) -> int:
    """What a watch from a resourceVersion gets: the HTTP status, or that of the error in its stream."""
    query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "2"}
    with plane.client() as client:
        response = client.get(path, params=query)
    for line in response.text.splitlines():
        if '"type":"ERROR"' in line:
            return int(httpx.Response(200, text=line).json()["object"]["code"])
    return response.status_code


def test_it_is_the_pinned_release(shared_control_plane: ControlPlane) -> None:
    with api_of(shared_control_plane) as api:
        assert k8s.VersionApi(api).get_code().git_version == pin_of("kube-apiserver").release


def test_a_deployment_runs_on_a_node(
    shared_control_plane: ControlPlane, core: k8s.CoreV1Api, kube_namespace: str
) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    deployment = {
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    with api_of(shared_control_plane) as api:
        apps = k8s.AppsV1Api(api)
        apps.create_namespaced_deployment(kube_namespace, deployment)
        eventually(lambda: apps.read_namespaced_deployment("web", kube_namespace).status.available_replicas == 2)
    pods = core.list_namespaced_pod(kube_namespace).items
    assert {found.status.phase for found in pods} == {"Running"}
    assert all(found.spec.node_name and found.status.pod_ip for found in pods)
    assert events(core, kube_namespace, "ScalingReplicaSet")


def test_a_pod_that_no_node_can_hold_is_told_of(core: k8s.CoreV1Api, kube_namespace: str) -> None:
    core.create_namespaced_pod(kube_namespace, pod("training", limits={"nvidia.com/gpu": "1"}))
    [event] = eventually(lambda: events(core, kube_namespace, "FailedScheduling"))
    assert "Insufficient nvidia.com/gpu" in event.message
    assert core.read_namespaced_pod("training", kube_namespace).status.phase == "Pending"


def test_a_pod_is_killed_for_its_memory_and_runs_again(core: k8s.CoreV1Api, kube_namespace: str) -> None:
    core.create_namespaced_pod(kube_namespace, pod("greedy", "oom-killed"))
    eventually(lambda: any(status.last_state.terminated for status in statuses(core, kube_namespace, "greedy")))
    main, side = statuses(core, kube_namespace, "greedy")
    assert (main.last_state.terminated.reason, main.last_state.terminated.exit_code) == ("OOMKilled", 137)
    assert (main.restart_count, main.ready, side.restart_count) == (1, True, 0)


def test_a_pod_crashes_again_and_again_until_it_is_let_alone(core: k8s.CoreV1Api, kube_namespace: str) -> None:
    def waits_after_restart() -> Any:
        main, *_ = statuses(core, kube_namespace, "broken") or [None]
        return main if main and main.state.waiting and main.restart_count > 0 else None

    def is_up() -> bool:
        main, *_ = statuses(core, kube_namespace, "broken")
        return bool(main.ready)

    core.create_namespaced_pod(kube_namespace, pod("broken", "crash-loop"))
    main = eventually(waits_after_restart)
    assert main.state.waiting.reason == "CrashLoopBackOff"
    assert (main.last_state.terminated.reason, main.last_state.terminated.exit_code) == ("Error", 1)
    assert events(core, kube_namespace, "BackOff")[0].type == "Warning"

    core.patch_namespaced_pod("broken", kube_namespace, {"metadata": {"labels": {STAGE_LABEL: None}}})
    eventually(is_up)


def test_a_node_says_that_it_is_not_ready_and_recovers(shared_control_plane: ControlPlane, core: k8s.CoreV1Api) -> None:
    shared_control_plane.add_node("sick", labels={"zone": "a"}, capacity={"nvidia.com/gpu": "4"})
    eventually(lambda: reaches(core, "sick", "True"))
    node = core.read_node("sick")
    assert (node.status.allocatable["nvidia.com/gpu"], node.metadata.labels["zone"]) == ("4", "a")
    label_node(core, "sick", "not-ready")
    assert eventually(lambda: reaches(core, "sick", "False")).reason == "KubeletNotReady"
    label_node(core, "sick", None)
    eventually(lambda: reaches(core, "sick", "True"))
    core.delete_node("sick")


def test_a_node_that_falls_silent_counts_as_lost(shared_control_plane: ControlPlane, core: k8s.CoreV1Api) -> None:
    shared_control_plane.add_node("silent")
    eventually(lambda: reaches(core, "silent", "True"))
    label_node(core, "silent", "heartbeat-lost")
    assert eventually(lambda: reaches(core, "silent", "Unknown")).reason == "NodeStatusUnknown"
    core.delete_node("silent")


def test_a_user_may_do_what_its_role_says(shared_control_plane: ControlPlane, kube_namespace: str) -> None:
    with api_of(shared_control_plane, "reader") as reader, api_of(shared_control_plane) as admin:
        pods = k8s.CoreV1Api(reader)
        with pytest.raises(k8s.ApiException, match=r'(?s)403.*User \\"reader\\" cannot list'):
            pods.list_namespaced_pod(kube_namespace)
        rbac = k8s.RbacAuthorizationV1Api(admin)
        rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
        rbac.create_namespaced_role(kube_namespace, {"metadata": {"name": "see"}, "rules": [rule]})
        binding = {
            "metadata": {"name": "see"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "see"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}],
        }
        rbac.create_namespaced_role_binding(kube_namespace, binding)
        assert eventually(lambda: _list_or_none(pods, kube_namespace)).items == []


def _list_or_none(pods: k8s.CoreV1Api, namespace: str) -> Any:
    try:
        return pods.list_namespaced_pod(namespace)
    except k8s.ApiException:
        return None


def test_what_etcd_has_forgotten_is_gone_for_a_watch(control_plane: ControlPlaneFactory) -> None:
    plane = control_plane(with_kwok=False, apiserver_flags=["--watch-cache=false"])
    with api_of(plane) as api:
        core = k8s.CoreV1Api(api)
        before = core.list_namespaced_config_map("default").metadata.resource_version
        core.create_namespaced_config_map("default", {"metadata": {"name": "one"}})
        core.create_namespaced_config_map("default", {"metadata": {"name": "two"}})
        path = "/api/v1/namespaces/default/configmaps"
        assert watch_status(plane, path, before) == 200
        plane.compact()
        assert watch_status(plane, path, before) == 410
        with pytest.raises(k8s.ApiException, match="410"):
            list(k8s_watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=before))


def test_the_api_server_comes_back_where_it_was(control_plane: ControlPlaneFactory) -> None:
    plane = control_plane(with_kwok=False)
    with api_of(plane) as api:
        core = k8s.CoreV1Api(api)
        core.create_namespaced_config_map("default", {"metadata": {"name": "kept"}})
        before, url = core.list_namespaced_config_map("default").metadata.resource_version, plane.url
        core.create_namespaced_config_map("default", {"metadata": {"name": "later"}})
        plane.compact()
        plane.restart_apiserver()
        assert plane.url == url
        assert core.read_namespaced_config_map("kept", "default").metadata.name == "kept"
    assert watch_status(plane, "/api/v1/namespaces/default/configmaps", before) == 410
    plane.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = plane.url
    plane.stop()
