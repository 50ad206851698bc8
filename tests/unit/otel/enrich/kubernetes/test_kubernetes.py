"""Which pod a resource is of, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from brain_common.errors import ConfigError
from brain_otel.enrich.kubernetes.pod import image_parts
from tests.unit.otel.enrich.kubernetes.objects import IMAGE, REPLICA_SET, Known, meta, owner, pod, raw, resource_of

NAMED = {"k8s_pod_name": "cart-a", "k8s_namespace_name": "shop"}


def test_a_known_pod_gives_all_by_its_connection_with_defaults_alone() -> None:
    assert Known(pod("a")).enriched("10.0.0.1") == {
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "cart-a",
        "k8s.pod.uid": "a",
        "k8s.pod.start_time": "2026-01-01T00:00:00Z",
        "k8s.deployment.name": "cart",
        "k8s.node.name": "n1",
        "k8s.container.name": "main",
        "container.image.name": "registry:5000/shop/cart",
        "container.image.tag": "1.2",
        "service.name": "cart",
        "cloud.availability_zone": "eu-1a",
        "cloud.region": "eu-1",
        "brain.workload.name": "cart",
        "brain.workload.kind": "Deployment",
    }


@pytest.mark.parametrize(
    ("peer", "resource", "found"),
    [
        ("10.0.0.1", {}, "a"),
        ("::ffff:10.0.0.1", {}, "a"),
        ("fd00::1", {}, "a"),
        ("10.0.0.9", {}, None),
        ("", {}, None),
        ("10.0.0.2", {"k8s_pod_ip": "10.0.0.1"}, "a"),
        ("10.0.0.2", {"k8s_pod_uid": "a"}, "a"),
        ("10.0.0.2", NAMED, "a"),
        ("10.0.0.2", {"container_id": "a-main"}, "a"),
        ("10.0.0.2", {"k8s_pod_ip": "10.0.0.9"}, None),  # not the sender's: that may be a Collector
        ("10.0.0.2", {"k8s_pod_ip": "10.0.0.1", "k8s_pod_uid": "b"}, "a"),  # the order of the rules
        ("10.0.0.2", {"k8s_pod_name": "cart-a"}, "b"),  # half a rule is none
        ("10.0.0.2", {"k8s_pod_name": "cart-a", "k8s_namespace_name": "other"}, None),
    ],
)
def test_association(peer: str, resource: dict[str, str], found: str | None) -> None:
    known = Known(pod("a", ips=[{"ip": "fd00::1"}]), pod("b", ip="10.0.0.2"))
    assert known.name(peer, **resource) == found
    known.enriched(peer, **resource)
    assert known.value("lookups_total", result="hit" if found else "miss" if peer else "none") == 1


def test_all_sources_of_a_rule_must_mean_the_same_pod() -> None:
    sources = [{"from": "resource_attribute", "name": "k8s.pod.uid"}, {"from": "connection"}]
    known = Known(pod("a"), pod("b", ip="10.0.0.2"), pod_association=[{"sources": sources}])
    assert known.name("10.0.0.1", k8s_pod_uid="a") == "a"
    assert known.name("10.0.0.2", k8s_pod_uid="a") is None


def test_a_host_name_counts_where_it_is_an_address() -> None:
    rule = {"sources": [{"from": "resource_attribute", "name": "host.name"}]}
    known = Known(pod("a"), pod_association=[rule])
    assert known.name(host_name="10.0.0.1") == "a"
    assert known.name(host_name="n1") is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"from": "resource_attribute", "name": "service.name"}, "no pod is known by 'service.name'"),
        ({"from": "resource_attribute", "name": "k8s.pod.name"}, "only together"),
        ({"from": "connection", "name": "x"}, "a connection has no name"),
        ({"from": "nowhere"}, "from"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(source: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Known(pod_association=[{"sources": [source]}])


@pytest.mark.parametrize(
    ("owners", "added", "workload"),
    [
        ([owner("ReplicaSet", "cart-5d4f8c7b9", "rs1")], {"k8s.deployment.name": "cart"}, ("Deployment", "cart")),
        ([owner("ReplicaSet", "alone", "rs2")], {}, ("ReplicaSet", "alone")),
        ([owner("StatefulSet", "db", "s")], {"k8s.statefulset.name": "db"}, ("StatefulSet", "db")),
        ([owner("DaemonSet", "agent", "s")], {"k8s.daemonset.name": "agent"}, ("DaemonSet", "agent")),
        ([owner("Job", "once", "j2")], {"k8s.job.name": "once"}, ("Job", "once")),
        (
            [owner("Job", "nightly-1", "j1")],
            {"k8s.job.name": "nightly-1", "k8s.cronjob.name": "nightly"},
            ("CronJob", "nightly"),
        ),
        ([owner("Rollout", "canary", "r")], {}, ("Rollout", "canary")),
        ([owner("Node", "n1", "n")], {}, ("Pod", "cart-a")),
        ([{**owner("StatefulSet", "db", "s"), "controller": False}], {}, ("Pod", "cart-a")),
        ([owner("Pod", "forged", "x")], {}, ("Pod", "forged")),
        (None, {}, ("Pod", "cart-a")),
    ],
)
def test_owners(owners: Any, added: dict[str, str], workload: tuple[str, str]) -> None:
    known = Known(pod("a", owners=owners))
    known.mirrors["jobs"].put(raw(meta("nightly-1", "j1", ownerReferences=[owner("CronJob", "nightly", "c")])))
    found = known.enriched("10.0.0.1")
    kinds = ("deployment", "statefulset", "daemonset", "job", "cronjob")
    assert {key: value for key, value in found.items() if key.split(".")[1] in kinds} == added
    assert (found["brain.workload.kind"], found["brain.workload.name"]) == workload
    assert found["k8s.pod.name"] == "cart-a"
    assert found["service.name"] == workload[1]


def test_an_owner_that_comes_after_its_pod_is_seen() -> None:
    known = Known(pod("a", owners=[owner("ReplicaSet", "late-1", "rs9")]))
    assert known.enriched("10.0.0.1")["brain.workload.name"] == "late-1"
    known.mirrors["replicasets"].put(raw(meta("late-1", "rs9", ownerReferences=[owner("Deployment", "late", "d")])))
    assert known.enriched("10.0.0.1")["brain.workload.name"] == "late"


def test_a_service_is_called_as_its_pod_says() -> None:
    annotations, labels = {"resource.opentelemetry.io/service.name": "said"}, {"app.kubernetes.io/name": "labelled"}
    assert Known(pod("a", labels=labels)).enriched("10.0.0.1")["service.name"] == "labelled"
    assert Known(pod("a", labels=labels, annotations=annotations)).enriched("10.0.0.1")["service.name"] == "said"


def test_what_a_resource_says_stays_even_if_it_is_empty_or_no_text() -> None:
    group = resource_of({"service.name": "own", "k8s.node.name": ""}, "10.0.0.1")
    group.resource.set("k8s.deployment.name", 7)
    Known(pod("a")).step.enrich(group)
    values = {pair.key: pair.value for pair in group.message.resource.attributes}
    assert values["service.name"].string_value == "own"
    assert values["k8s.node.name"].string_value == ""
    assert values["k8s.deployment.name"].int_value == 7
    assert values["k8s.pod.name"].string_value == "cart-a"


def test_of_several_containers_the_one_that_is_named() -> None:
    two = [{"name": "main", "image": IMAGE}, {"name": "side", "image": "proxy"}]
    known = Known(pod("a", containers=two))
    assert "container.image.name" not in known.enriched("10.0.0.1")
    assert known.enriched("10.0.0.1", k8s_container_name="side")["container.image.name"] == "proxy"
    assert known.enriched("10.0.0.1", container_id="a-side")["k8s.container.name"] == "side"
    assert "container.image.name" not in known.enriched("10.0.0.1", k8s_container_name="unknown")


def test_resources_of_one_pod_that_say_different_things_each_get_what_they_lack() -> None:
    known = Known(pod("a"))
    whole = known.enriched("10.0.0.1")
    for key in 2 * sorted(whole.keys() - {"k8s.pod.uid", "k8s.container.name"}):  # those choose
        group = resource_of({key: "own"}, "10.0.0.1")
        known.step.enrich(group)
        assert group.resource.get("brain.workload.kind")
        found = {pair.key: pair.value.string_value for pair in group.message.resource.attributes}
        assert found == {**whole, key: "own"}
        assert len(group.message.resource.attributes) == len(whole)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("app", ("app", "latest")),
        ("app:1", ("app", "1")),
        ("localhost:5000/app", ("localhost:5000/app", "latest")),
        ("localhost:5000/a/b:1.2", ("localhost:5000/a/b", "1.2")),
        ("app@sha256:ab", ("app", "")),
        (IMAGE, ("registry:5000/shop/cart", "1.2")),
        ("", ("", "")),
        (":", ("", "")),
    ],
)
def test_images(image: str, parts: tuple[str, str]) -> None:
    assert image_parts(image) == parts


def test_labels_and_annotations_become_attributes() -> None:
    fields = [{"key": "team"}, {"key": "tier", "tag_name": "acme.tier"}, {"key": "env", "from": "namespace"}]
    extract = {"labels": fields, "annotations": [{"key": "note", "tag_name": "note"}]}
    known = Known(pod("a", labels={"team": "x", "tier": "1"}, annotations={"note": "n" * 9999}), extract=extract)
    known.mirrors["namespaces"].put(raw(meta("shop", "ns", labels={"env": "prod"})))
    found = known.enriched("10.0.0.1")
    wanted = {"k8s.pod.labels.team": "x", "acme.tier": "1", "k8s.namespace.labels.env": "prod", "note": "n" * 4096}
    assert wanted.items() <= found.items()


def test_only_what_is_asked_for_is_added_and_watched() -> None:
    known = Known(pod("a"), extract={"metadata": ["k8s.pod.name", "k8s.replicaset.name", "k8s.node.uid"]})
    wanted = {"k8s.pod.name": "cart-a", "k8s.replicaset.name": "cart-5d4f8c7b9", "k8s.node.uid": "node-uid"}
    assert known.enriched("10.0.0.1") == wanted
    assert set(known.mirrors) == {"pods", "replicasets", "jobs", "nodes"}


def test_a_pod_in_the_network_of_its_host_is_not_known_by_address() -> None:
    known = Known(pod("a", host_network=True))
    assert known.name("10.0.0.1") is None
    assert known.name("10.0.0.1", k8s_pod_uid="a") == "a"


def test_an_address_goes_to_the_youngest_pod_that_runs_whatever_comes_first() -> None:
    old, new = pod("old"), pod("new", since="2026-01-02T00:00:00Z")
    for order in ((old, new), (new, old), (old, new, old)):
        assert Known(*order).name("10.0.0.1") == "new"
    done = pod("done", since="2026-01-03T00:00:00Z", phase="Succeeded")
    for order in ((old, done), (done, old)):
        assert Known(*order).name("10.0.0.1") == "old"
    assert Known(done).name("10.0.0.1") == "done"


def test_a_deleted_pod_is_known_for_the_grace_time_unless_its_address_has_a_new_holder() -> None:
    known = Known(pod("a"))
    known.pods.remove(raw(pod("a")))
    known.mirrors["replicasets"].remove(raw(REPLICA_SET))
    known.cluster.changed()
    known.sweep(119)
    assert known.enriched("10.0.0.1")["k8s.deployment.name"] == "cart"
    known.pods.put(raw(pod("b", since="2025-01-01T00:00:00Z")))
    assert known.name("10.0.0.1") == "b"
    assert known.name(k8s_pod_uid="a") == "a"
    known.sweep(2)
    assert known.name(k8s_pod_uid="a") is None
    assert known.name("10.0.0.1") == "b"
    assert known.cluster.owners == {}


def test_a_list_takes_away_what_is_not_in_it() -> None:
    known = Known(pod("a"), pod("b", ip="10.0.0.2"))
    known.pods.begin()
    known.pods.put(raw(pod("b", ip="10.0.0.2")))
    known.pods.end()
    known.sweep(121)
    assert set(known.cluster.by_uid) == {"b"}
    assert set(known.cluster.by_ip) == {"10.0.0.2"}
    assert set(known.cluster.by_container) == {"b-main"}


def test_a_change_of_address_and_container_leaves_nothing_behind() -> None:
    known = Known(pod("a", ip=""), pod("a"), pod("a", ip="10.0.0.3"))
    assert set(known.cluster.by_ip) == {"10.0.0.3"}
    assert len(known.cluster.by_name) == len(known.cluster.by_container) == 1


def test_pods_beyond_the_bound_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    known = Known(*(pod(str(i), ip=f"10.0.1.{i}") for i in range(5)), max_pods=2)
    assert len(known.cluster.by_uid) == 2
    assert known.value("pods_refused_total") == 3
    assert len([one for one in caplog.records if "max_pods" in one.message]) == 1
    known.pods.put(raw(pod("0", ip="10.0.2.1")))
    assert known.name("10.0.2.1") == "0"


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"uid": 7}},
        {"metadata": {"uid": "x", "ownerReferences": "no"}},
        {"metadata": {"uid": "x"}, "status": {"podIPs": [1]}},
        {"metadata": {"uid": "x"}, "spec": []},
    ],
)
def test_a_hostile_pod_is_malformed_and_changes_nothing(item: dict[str, Any]) -> None:
    known = Known(pod("a"))
    with pytest.raises(msgspec.MsgspecError):
        known.pods.put(raw(item))
    assert set(known.cluster.by_uid) == {"a"}


def test_nulls_and_absent_parts_are_no_trouble() -> None:
    bare = {
        "metadata": {"uid": "x", "name": "x", "namespace": "n"},
        "spec": {"containers": None},
        "status": {"podIPs": None},
    }
    known = Known(json.loads(json.dumps(bare)))
    assert known.enriched(k8s_pod_uid="x") == {
        "k8s.namespace.name": "n",
        "k8s.pod.name": "x",
        "service.name": "x",
        "brain.workload.name": "x",
        "brain.workload.kind": "Pod",
    }
