"""Rules, entities, stale configuration, rollouts, the Lease: each by itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from brain_common.clients.kubernetes.client import Conflict, KubeApi, NotThere
from brain_common.clock import ManualClock
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_exporters.kube_events.config import KubeEventsSettings, LeaderSettings
from brain_exporters.kube_events.entities import Owners, workload_by_name
from brain_exporters.kube_events.kinds import ObjectMeta, PodSpec, Workload
from brain_exporters.kube_events.lease import Elector
from brain_exporters.kube_events.rollouts import Rollouts, Seen
from brain_exporters.kube_events.rows import moment
from brain_exporters.kube_events.stale import read_once, used, version
from brain_exporters.runtime.batch import Batch


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("web-5d4f8c7b9-x2x4z", "web"),
        ("payments-api-7c9d8f6b5d-zk8vw", "payments-api"),
        ("db-0", "db"),
        ("agent-x7x9z", "agent"),
        ("backup-28373760-x2k4z", "backup"),
        ("lonely", None),
        ("my-proxy", None),
    ],
)
def test_a_pods_name_tells_its_workload(pod: str, workload: str | None) -> None:
    assert workload_by_name(pod) == workload


def test_entities_of_objects() -> None:
    owners = Owners()
    owners.replace({("shop", "odd"): "web"}, {("shop", "hpa"): "api"})
    assert owners.entity("Pod", "shop", "odd") == ("shop", "workload", "web")
    assert owners.entity("HorizontalPodAutoscaler", "shop", "hpa") == ("shop", "workload", "api")
    assert owners.entity("Node", "default", "n1") == ("", "node", "n1")
    assert owners.entity("Ingress", "shop", "i") == ("shop", "service", "i")
    assert owners.entity("PersistentVolumeClaim", "shop", "d") == (
        "shop",
        "cloud-resource",
        "persistentvolumeclaim/d",
    )


def test_a_wrong_rule_stops_the_start_and_names_the_key() -> None:
    data = {"state": "s", "exclude": [{"name": "x", "reason": "("}]}
    with pytest.raises(ConfigError, match=r"exclude\.0\.reason: .*no regular expression"):
        check_settings(data, KubeEventsSettings, "file")


def test_only_what_is_read_at_the_start_can_be_stale() -> None:
    spec = {
        "containers": [
            {
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "key", "key": "a"}}}],
                "envFrom": [{"secretRef": {"name": "secret"}}],
                "volumeMounts": [{"name": "sub", "subPath": "x"}, {"name": "whole"}],
            }
        ],
        "volumes": [
            {"name": "sub", "projected": {"sources": [{"configMap": {"name": "sub"}}]}},
            {"name": "whole", "configMap": {"name": "whole"}},
        ],
    }
    pod = msgspec.convert(spec, PodSpec)
    once = {("ConfigMap", "key"), ("Secret", "secret"), ("ConfigMap", "sub")}
    assert read_once(pod) == once
    assert used(pod) == once | {("ConfigMap", "whole")}


def test_a_version_is_dated_by_its_data() -> None:
    meta = {
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [
            {"manager": "helm", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:data": {}}},
            {"manager": "labeller", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
        ],
    }
    found = version(msgspec.convert(meta, ObjectMeta))
    assert (found.manager, found.changed) == ("helm", moment("2026-01-02T00:00:00Z").timestamp())  # type: ignore[union-attr]


def test_a_rollback_is_a_rollout_of_its_own_and_survives_a_restart() -> None:
    def seen(revision: str, updated: int) -> Seen:
        workload = {
            "metadata": {
                "name": "web",
                "namespace": "shop",
                "uid": "u",
                "annotations": {"deployment.kubernetes.io/revision": revision},
            },
            "spec": {"replicas": 2},
            "status": {"updatedReplicas": updated, "availableReplicas": updated, "replicas": 2},
        }
        return Seen("Deployment", msgspec.convert(workload, Workload))

    key = ("shop", "Deployment", "web")
    first, batch = Rollouts("c", {}), Batch()
    assert first.look([seen("1", 2)], {"u": 100.0}, 500.0, batch) == {key: 100.0}
    assert batch.rows == []
    again = Rollouts("c", {name: value for name, value in batch.notes.items() if value is not None})
    batch = Batch()
    assert again.look([seen("3", 1)], {"u": 100.0}, 600.0, batch) == {key: 600.0}
    assert again.look([seen("3", 2)], {"u": 100.0}, 660.0, batch) == {key: 600.0}
    results = [row for _, table in batch.rows for row in table.column("result").to_pylist()]
    assert results == ["started", "succeeded"]


class OneLease(KubeApi):
    """An API server that holds one Lease."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None

    def send(self, method: str, path: str, query: Any = None, body: Any = None, accept: str = "") -> bytes:
        if method == "GET":
            if self.lease is None:
                raise NotThere("no")
        else:
            version = 0 if self.lease is None else int(self.lease["metadata"]["resourceVersion"])
            if self.lease is not None and body["metadata"].get("resourceVersion") != str(version):
                raise Conflict("no")
            self.lease = json.loads(json.dumps(body))
            self.lease["metadata"]["resourceVersion"] = str(version + 1)
        return json.dumps(self.lease).encode()


def test_one_leads_and_another_takes_over_where_it_was_left() -> None:
    api, clock, now = OneLease(), ManualClock(1e9), [0.0]
    settings = LeaderSettings(namespace="monitoring")
    one, two = (Elector(api, settings, name, clock, lambda: now[0]) for name in ("one", "two"))
    assert one.step(None) is None
    assert one.leading
    one.step("100")
    assert two.step(None) is None
    assert not two.leading
    now[0] = 14.9
    two.step(None)
    assert (one.leading, two.leading) == (False, False)  # the first could not renew; the second waits yet
    now[0] = 15.1
    left = two.step(None)
    assert left is not None
    assert (left.position, left.at, two.leading) == (100, 1e9, True)
    assert one.step("101") is None
    assert not one.leading
    assert api.lease is not None
    assert api.lease["spec"]["leaseTransitions"] == 1
    two.release("200")
    now[0] = 15.3
    left = one.step(None)
    assert left is not None
    assert (left.position, one.leading) == (200, True)
