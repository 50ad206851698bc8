"""Pods of a real control plane, on resources: deletion, an API server that restarts, and each permission."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry

from brain_common.clock import SystemClock
from brain_common.settings import check_settings
from brain_lab.servers.control_plane import ControlPlane
from brain_otel.enrich.kind import Context
from brain_otel.enrich.kubernetes import KIND, Kubernetes
from tests.integration.otel.enrich.running import working
from tests.servers.fixtures import ControlPlaneFactory
from tests.unit.otel.enrich.kubernetes.objects import resource_of

pytestmark = pytest.mark.anyio

ROLE = Path("otel/permissions/kubernetes.yaml")
_SOON = 60.0  # seconds; far more than anything here takes on a busy machine


class Run:
    """A step whose watches run."""

    def __init__(self, step: Kubernetes, context: Context) -> None:
        self.step = step
        self._registry = context.registry

    def total(self, metric: str) -> float:
        samples = [sample for family in self._registry.collect() for sample in family.samples]
        return sum(one.value for one in samples if one.name == f"brain_otel_kubernetes_{metric}")

    def enriched(self, peer: str = "", **resource: str) -> dict[str, str]:
        group = resource_of({key.replace("_", "."): value for key, value in resource.items()}, peer)
        self.step.enrich(group)
        return {pair.key: pair.value.string_value for pair in group.message.resource.attributes}


@asynccontextmanager
async def watching(kubeconfig: Path, **settings: Any) -> AsyncIterator[Run]:
    context = Context("", SystemClock(), CollectorRegistry())
    own = check_settings({"client": {"kubeconfig": str(kubeconfig)}, **settings}, KIND.settings, "test")
    step = KIND.build(own, context)
    assert isinstance(step, Kubernetes)
    async with working(context):
        yield Run(step, context)


async def eventually(look: Callable[[], Any]) -> Any:
    async with asyncio.timeout(_SOON):
        while not (found := await asyncio.to_thread(look)):  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
    return found


@pytest.fixture
def api(shared_control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with shared_control_plane.client() as client:
        yield client


def create(api: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code < 300, answer.text


def deployment(name: str) -> dict[str, Any]:
    container = {"name": "main", "image": "registry:5000/shop/cart:1.2"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": name}}
    return {"metadata": {"name": name}, "spec": {"replicas": 1, "selector": selector, "template": template}}


def running_pod(api: httpx.Client, namespace: str) -> dict[str, Any] | None:
    pods = api.get(f"/api/v1/namespaces/{namespace}/pods").json()["items"]
    return next((pod for pod in pods if pod["status"].get("podIP")), None)


async def test_the_pod_of_a_deployment_is_known_and_after_its_deletion_for_a_while(
    shared_control_plane: ControlPlane, api: httpx.Client, kube_namespace: str
) -> None:
    async with watching(shared_control_plane.kubeconfig(), deleted_grace_seconds=3.0) as run:
        apps = f"/apis/apps/v1/namespaces/{kube_namespace}/deployments"
        create(api, apps, deployment("cart"))
        pod = await eventually(lambda: running_pod(api, kube_namespace))
        ip, uid = pod["status"]["podIP"], pod["metadata"]["uid"]
        wanted = {
            "k8s.namespace.name": kube_namespace,
            "k8s.pod.name": pod["metadata"]["name"],
            "k8s.pod.uid": uid,
            "k8s.pod.start_time": pod["metadata"]["creationTimestamp"],
            "k8s.deployment.name": "cart",
            "k8s.node.name": pod["spec"]["nodeName"],
            "k8s.container.name": "main",
            "container.image.name": "registry:5000/shop/cart",
            "container.image.tag": "1.2",
            "service.name": "cart",
            "brain.workload.name": "cart",
            "brain.workload.kind": "Deployment",
        }
        await eventually(lambda: wanted.items() <= run.enriched(ip).items())
        assert run.enriched(k8s_pod_uid=uid) == wanted
        await asyncio.to_thread(api.delete, f"{apps}/cart", params={"propagationPolicy": "Foreground"})
        await eventually(lambda: running_pod(api, kube_namespace) is None)
        assert run.enriched(k8s_pod_uid=uid)["k8s.deployment.name"] == "cart"
        await eventually(lambda: run.enriched(k8s_pod_uid=uid) == {"k8s.pod.uid": uid})


async def test_only_pods_of_the_node_that_is_asked_for(
    shared_control_plane: ControlPlane, api: httpx.Client, kube_namespace: str
) -> None:
    path = f"/api/v1/namespaces/{kube_namespace}/pods"
    spec = {"containers": [{"name": "main", "image": "app:1"}]}
    for name, node in (("here", "node-0"), ("there", "elsewhere")):
        create(api, path, {"metadata": {"name": name}, "spec": {**spec, "nodeName": node}})
    async with watching(shared_control_plane.kubeconfig(), filter={"node": "node-0"}) as run:
        named = {"k8s_namespace_name": kube_namespace}
        await eventually(lambda: "k8s.pod.uid" in run.enriched(k8s_pod_name="here", **named))
        assert "k8s.pod.uid" not in run.enriched(k8s_pod_name="there", **named)


async def test_while_the_api_server_is_away_the_last_state_stays_and_it_catches_up(
    control_plane: ControlPlaneFactory,
) -> None:
    plane = control_plane(with_kwok=False)
    path, spec = "/api/v1/namespaces/default/pods", {"containers": [{"name": "main", "image": "app:1"}]}
    named = {"k8s_namespace_name": "default"}
    with plane.client() as api:
        await eventually(lambda: api.get("/api/v1/namespaces/default/serviceaccounts/default").status_code == 200)
        create(api, path, {"metadata": {"name": "one"}, "spec": spec})
        async with watching(plane.kubeconfig()) as run:
            await eventually(lambda: "k8s.pod.uid" in run.enriched(k8s_pod_name="one", **named))
            await asyncio.to_thread(plane.apiserver.stop)
            await eventually(lambda: run.total("watch_errors_total"))
            assert "k8s.pod.uid" in run.enriched(k8s_pod_name="one", **named)
            await asyncio.to_thread(plane.apiserver.start)
            create(api, path, {"metadata": {"name": "later"}, "spec": spec})
            await eventually(lambda: "k8s.pod.uid" in run.enriched(k8s_pod_name="later", **named))
            assert "k8s.pod.uid" in run.enriched(k8s_pod_name="one", **named)


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(ROLE.read_text(encoding="utf-8")))


async def test_every_permission_is_needed_and_they_suffice(control_plane: ControlPlaneFactory) -> None:
    plane = control_plane(with_kwok=False, tokens={"otel": []})
    base = "/apis/rbac.authorization.k8s.io/v1"
    with plane.client() as api:
        _, role, binding = documents()
        create(api, f"{base}/clusterroles", role)
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "otel"}
        create(api, f"{base}/clusterrolebindings", {**binding, "subjects": [subject]})

        def permit(rules: list[dict[str, Any]]) -> None:
            headers = {"Content-Type": "application/merge-patch+json"}
            path = f"{base}/clusterroles/{role['metadata']['name']}"
            assert api.patch(path, json={"rules": rules}, headers=headers).status_code == 200

        async def failures() -> float:
            extract = {"labels": [{"key": "team", "from": "namespace"}]}
            async with watching(plane.kubeconfig("otel"), extract=extract) as run:
                mirrors = 5
                await eventually(lambda: run.total("watches") == mirrors or run.total("watch_errors_total"))
                return run.total("watch_errors_total")

        assert await failures() == 0
        for rule in role["rules"]:
            rest = [each for each in role["rules"] if each is not rule]
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    others = [each for each in rule["resources"] if each != resource]
                    less = {**rule, "resources": [resource], "verbs": [v for v in rule["verbs"] if v != verb]}
                    permit([*rest, less, *([{**rule, "resources": others}] if others else [])])
                    assert await failures() > 0, f"nobody misses {verb} {resource}"
