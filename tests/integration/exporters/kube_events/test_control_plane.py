"""The exporter against a real control plane: faults become counters, gauges and rows; nothing is lost or repeated."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from brain_lab.servers.control_plane import STAGE_LABEL, ControlPlane
from tests.integration.exporters.kube_events.harness import Exporter, eventually, exporting, lake_rows
from tests.servers.fixtures import ControlPlaneFactory

PERMISSIONS = Path("exporters/permissions")
QUICK = {"objects": {"interval_seconds": 1}}


def admin(plane: ControlPlane) -> dict[str, str]:
    return {"kubeconfig": str(plane.kubeconfig())}


@pytest.fixture
def api(shared_control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with shared_control_plane.client() as client:
        yield client


def create(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.status_code < 300, answer.text
    made: dict[str, Any] = answer.json()
    return made


def patch(api: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = api.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"})
    assert answer.status_code < 300, answer.text


def deployment(name: str, **more: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "app:1", **more.pop("container", {})}
    labels = {"app": name, **more.pop("labels", {})}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], **more}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def ready(api: httpx.Client, node: str) -> bool:
    conditions = api.get(f"/api/v1/nodes/{node}").json().get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def event(namespace: str, name: str, count: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": "web-5d4f8c7b9-x2x4z"},
        "type": "Warning",
        "reason": "Repeated",
        "message": "again",
        "count": count,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": {"component": "kubelet", "host": "node-0"},
    }


def test_faults_of_a_cluster_are_counted_and_kept(
    shared_control_plane: ControlPlane, api: httpx.Client, kube_namespace: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    apps, core = f"/apis/apps/v1/namespaces/{kube_namespace}", f"/api/v1/namespaces/{kube_namespace}"
    with exporting(
        tmp_path, admin(shared_control_plane), cluster="c", lake={"path": str(lake)}, namespace=None, **QUICK
    ) as run:
        eventually(run.up)
        create(api, f"{apps}/deployments", deployment("crasher", labels={STAGE_LABEL: "crash-loop"}))
        create(api, f"{apps}/deployments", deployment("greedy", labels={STAGE_LABEL: "oom-killed"}))
        gpu = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
        create(api, f"{apps}/deployments", deployment("training", container=gpu))
        shared_control_plane.add_node(node := f"sick-{uuid.uuid4().hex[:6]}")
        scaler = {
            "metadata": {"name": "hpa"},
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "greedy"},
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                    }
                ],
            },
        }
        create(api, f"/apis/autoscaling/v2/namespaces/{kube_namespace}/horizontalpodautoscalers", scaler)
        quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "6"}}}
        create(api, f"{core}/resourcequotas", quota)
        eventually(lambda: ready(api, node), what="node")
        patch(api, f"/api/v1/nodes/{node}", {"metadata": {"labels": {STAGE_LABEL: "heartbeat-lost"}}})
        for reason in ("BackOff", "FailedScheduling", "FailedGetResourceMetric"):
            eventually(
                lambda reason=reason: run.total(reason=reason, involved_object_namespace=kube_namespace), 60, reason
            )
        # A kill for memory is told by the node problem detector, which reads the kernel's log; kwok has no kernel.
        killed = {**event("default", f"oom-{node}", 3), "reason": "OOMKilling"}
        create(api, "/api/v1/namespaces/default/events", {**killed, "involvedObject": {"kind": "Node", "name": node}})
        eventually(lambda: run.total(reason="OOMKilling", involved_object_kind="Node") == 3, what="OOMKilling")
        eventually(lambda: run.total(reason="NodeNotReady", involved_object_kind="Node"), 60, "NodeNotReady")

        def quota_is_shown() -> bool:
            used = api.get(f"{core}/resourcequotas/q").json().get("status", {}).get("used", {}).get("pods", "0")
            shown = run.values("kube_quota_used_ratio", namespace=kube_namespace)
            return int(used) > 0 and shown == [int(used) / 6]

        eventually(quota_is_shown, 60, "quota")
        assert run.values("kube_autoscaler_at_maximum", namespace=kube_namespace, target="greedy") == [0.0]
        wanted = {"BackOff": "crasher", "FailedScheduling": "training", "FailedGetResourceMetric": "greedy"}

        def kept() -> bool:
            mine = {(row["reason"], row["kind"], row["name"]) for row in lake_rows(lake, "events")}
            return {(reason, "workload", name) for reason, name in wanted.items()} <= mine and any(
                each == ("NodeNotReady", "node", node) for each in mine
            )

        eventually(kept, what="rows")
    api.delete(f"/api/v1/nodes/{node}")


def test_repeats_count_by_their_growth_across_restarts_and_410(
    control_plane: ControlPlaneFactory, tmp_path: Path
) -> None:
    plane = control_plane(with_kwok=False)
    lake = tmp_path / "lake"
    path = "/api/v1/namespaces/default/events"
    settings = {
        "lake": {"path": str(lake)},
        "objects": None,
        "exclude": [{"name": "leases", "reason": "LeaderElection"}],
    }
    with plane.client() as api:
        create(api, path, event("default", "old", 7))
        with exporting(tmp_path, admin(plane), **settings) as run:
            eventually(run.up)
            create(api, path, event("default", "e", 1))
            for count in (3, 3, 10):
                patch(api, f"{path}/e", {"count": count})
            patch(api, f"{path}/old", {"count": 9})
            eventually(lambda: run.total(reason="Repeated") == 12)
        patch(api, f"{path}/e", {"count": 15})  # while it is away
        with exporting(tmp_path, admin(plane), **settings) as run:
            eventually(lambda: run.total(reason="Repeated") == 17)
        patch(api, f"{path}/e", {"count": 20})
        create(api, path, event("default", "f", 4))
        api.delete(f"{path}/old")
        plane.compact()
        with exporting(tmp_path, admin(plane), **settings) as run:
            eventually(lambda: run.total(reason="Repeated") == 26)
            assert run.values("kube_events_relists_total") == [2.0]
            plane.restart_apiserver()
            patch(api, f"{path}/f", {"count": 5})
            eventually(lambda: run.total(reason="Repeated") == 27, 60)
        rows = [row for row in lake_rows(lake, "events") if row["reason"] == "Repeated"]
        assert sum(row["count"] for row in rows) == 27
        assert len({(row["event_uid"], row["total"]) for row in rows}) == len(rows)
        assert {row["name"] for row in rows} == {"web"}


def test_a_second_replica_takes_over_without_loss(
    shared_control_plane: ControlPlane, api: httpx.Client, kube_namespace: str, tmp_path: Path
) -> None:
    path, lake = f"/api/v1/namespaces/{kube_namespace}/events", tmp_path / "lake"
    more = {"namespace": kube_namespace, "lake": {"path": str(lake)}, "objects": None}
    lease = {"namespace": kube_namespace, "lease_seconds": 3, "renew_seconds": 2, "retry_seconds": 0.3}

    def replica(name: str) -> Any:
        (tmp_path / name).mkdir()
        election = {**lease, "identity": name}
        return exporting(tmp_path / name, admin(shared_control_plane), leader_election=election, **more)

    with replica("b") as standby_or_leader:
        eventually(lambda: standby_or_leader.values("kube_events_leader") == [1.0])
        with replica("a") as waiting:
            eventually(waiting.up)
            assert waiting.values("kube_events_leader") == [0.0]
            create(api, path, event(kube_namespace, "e", 2))
            patch(api, f"{path}/e", {"count": 5})
            eventually(lambda: standby_or_leader.total(reason="Repeated") == 5)
            assert waiting.total(reason="Repeated") == 0
            eventually(lambda: sum(row["count"] for row in lake_rows(lake, "events")) == 5)
            elector = standby_or_leader.started.exporter._elector  # type: ignore[attr-defined]
            elector.step = lambda _: None  # it can reach the Lease no more
            patch(api, f"{path}/e", {"count": 9})
            eventually(lambda: waiting.values("kube_events_leader") == [1.0])
            eventually(lambda: sum(row["count"] for row in lake_rows(lake, "events")) == 9)
            assert standby_or_leader.total(reason="Repeated") + waiting.total(reason="Repeated") == 9
            assert standby_or_leader.values("kube_events_leader") == [0.0]


def test_rollouts_and_stale_configuration(
    shared_control_plane: ControlPlane, api: httpx.Client, kube_namespace: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    core, apps = f"/api/v1/namespaces/{kube_namespace}", f"/apis/apps/v1/namespaces/{kube_namespace}"
    create(api, f"{core}/configmaps", {"metadata": {"name": "env"}, "data": {"a": "1"}})
    create(api, f"{core}/configmaps", {"metadata": {"name": "files"}, "data": {"a": "1"}})
    container = {
        "envFrom": [{"configMapRef": {"name": "env"}}],
        "volumeMounts": [{"name": "files", "mountPath": "/etc/files"}],
    }
    volumes = [{"name": "files", "configMap": {"name": "files"}}]
    create(api, f"{apps}/deployments", deployment("web", container=container, volumes=volumes))

    def stale(run: Exporter) -> dict[str, float]:
        found = run.samples("kube_workload_config_stale")
        return {labels["config"]: value for labels, value in found if labels["namespace"] == kube_namespace}

    with exporting(tmp_path, admin(shared_control_plane), lake={"path": str(lake)}, **QUICK) as run:
        eventually(lambda: stale(run) == {"env": 0.0})
        [before] = run.values("kube_workload_last_rollout_timestamp_seconds", namespace=kube_namespace, name="web")
        eventually(lambda: api.get(f"{apps}/deployments/web").json()["status"].get("availableReplicas") == 1)
        # No change of data; by another client, since the API server keeps one time for all that a client has written.
        patch(api, f"{core}/configmaps/env?fieldManager=labeller", {"metadata": {"labels": {"x": "y"}}})
        eventually(lambda: datetime.now(UTC).timestamp() > before + 3)
        assert stale(run) == {"env": 0.0}
        for name in ("env", "files"):
            patch(api, f"{core}/configmaps/{name}", {"data": {"a": "2"}})
        eventually(lambda: stale(run) == {"env": 1.0})
        patch(
            api,
            f"{apps}/deployments/web",
            {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}},
        )
        eventually(
            lambda: run.values("kube_workload_last_rollout_timestamp_seconds", namespace=kube_namespace)[0] > before
        )
        eventually(lambda: stale(run) == {"env": 0.0}, 60)

        def changes() -> set[tuple[str, str, str]]:
            mine = [row for row in lake_rows(lake, "changes") if row["namespace"] == kube_namespace]
            return {(row["change_kind"], row["result"], row["name"]) for row in mine}

        wanted = {("config", "succeeded", "web"), ("rollout", "started", "web"), ("rollout", "succeeded", "web")}
        eventually(lambda: changes() == wanted)


def test_karpenter_is_told_of_where_it_is(
    shared_control_plane: ControlPlane, api: httpx.Client, tmp_path: Path
) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "metadata": {"name": "nodeclaims.karpenter.sh"},
        "spec": {
            "group": "karpenter.sh",
            "scope": "Cluster",
            "names": {"plural": "nodeclaims", "kind": "NodeClaim"},
            "versions": [version],
        },
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    create(api, definitions, definition)
    claims = "/apis/karpenter.sh/v1/nodeclaims"
    eventually(lambda: api.get(claims).status_code == 200)
    condition = {"type": "Drifted", "status": "True", "reason": "AMIDrift"}
    claim = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": "n", "labels": {"karpenter.sh/nodepool": "default"}},
        "status": {"nodeName": "node-0", "conditions": [condition]},
    }
    create(api, claims, claim)
    with exporting(tmp_path, admin(shared_control_plane), **QUICK) as run:
        labels = {"nodeclaim": "n", "node": "node-0", "nodepool": "default", "reason": "Drifted"}
        eventually(lambda: run.samples("kube_karpenter_disruption") == [(labels, 1.0)])
    api.delete(f"{definitions}/nodeclaims.karpenter.sh")


def certificate(ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(ends - timedelta(days=90)).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def documents(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((PERMISSIONS / file).read_text(encoding="utf-8")))


def grant(api: httpx.Client, file: str, user: str) -> None:
    """The roles of a file, for a user in place of the service account."""
    for document in documents(file):
        namespace = document["metadata"].get("namespace")
        base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{namespace}" if namespace else "")
        if document["kind"].endswith("Binding"):
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
            document["subjects"] = [subject]
        if document["kind"] != "ServiceAccount":
            create(api, f"{base}/{document['kind'].lower()}s", document)


def test_every_permission_is_needed_and_they_suffice(control_plane: ControlPlaneFactory, tmp_path: Path) -> None:
    plane = control_plane(with_kwok=False, tokens={"kube-events": [], "certificates": []})
    with plane.client() as api:
        plane.create_namespace("monitoring")
        grant(api, "kube-events.yaml", "kube-events")
        grant(api, "kube-events-certificates.yaml", "certificates")
        ends = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
        data = {"tls.crt": base64.b64encode(certificate(ends)).decode(), "tls.key": base64.b64encode(b"k").decode()}
        create(
            api,
            "/api/v1/namespaces/default/secrets",
            {"metadata": {"name": "tls"}, "type": "kubernetes.io/tls", "data": data},
        )
        # A workload whose configuration is older than its data is what makes the pods of it be read.
        lease = "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/kube-events"
        runs = iter(range(1000))

        def attempt() -> tuple[bool, float, list[float]]:
            api.delete(lease)
            folder = tmp_path / str(next(runs))
            folder.mkdir()
            settings: dict[str, Any] = {
                **QUICK,
                "certificates": {"client": {"kubeconfig": str(plane.kubeconfig("certificates"))}},
                "leader_election": {"namespace": "monitoring", "retry_seconds": 0.2, "identity": "one"},
            }
            with exporting(folder, {"kubeconfig": str(plane.kubeconfig("kube-events"))}, **settings) as run:

                def over() -> bool:
                    failed = sum(run.values("kube_events_source_failures_total"))
                    renewed = api.get(lease).json().get("metadata", {}).get("annotations")
                    return failed > 0 or bool(run.up() and renewed)

                eventually(over)
                expiry = run.values("kube_secret_certificate_not_after_timestamp_seconds", secret="tls")
                return run.up(), sum(run.values("kube_events_source_failures_total")), expiry

        assert attempt() == (True, 0.0, [ends.timestamp()])
        for file in ("kube-events.yaml", "kube-events-certificates.yaml"):
            for role in [each for each in documents(file) if "rules" in each]:
                namespace = role["metadata"].get("namespace")
                base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{namespace}" if namespace else "")
                path = f"{base}/{role['kind'].lower()}s/{role['metadata']['name']}"
                for place, rule in enumerate(role["rules"]):
                    for resource in rule["resources"]:
                        for verb in rule["verbs"]:
                            rest = [r for r in role["rules"] if r is not rule]
                            less = [
                                {**rule, "resources": [resource], "verbs": [v for v in rule["verbs"] if v != verb]},
                                {**rule, "resources": [r for r in rule["resources"] if r != resource]},
                            ]
                            rules = rest + [r for r in less if r["verbs"] and r["resources"]]
                            patch(api, path, {"rules": rules})
                            failures = attempt()[1]
                            assert failures > 0, f"{file} rule {place}: nobody misses {verb} {resource}"
                patch(api, path, {"rules": role["rules"]})
