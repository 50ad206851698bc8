"""What an alert is about, from its labels; and how the evidence calls that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_rca.model import Alert, AlertGroup
from brain_rca.scope.alerting import ScopeSettings, alerting_entities, entity_of

KSM = {"service": "kube-state-metrics", "instance": "10.0.0.1:8080", "job": "kube-state-metrics", "container": "ksm"}
CART = "lab/shop/service/cart"
HOSTILE = (
    "a/b/service/c",
    "100%",
    "%2F%2f%",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "line\nbreak\x00\x1b[31m",
    "\u202egpj.exe",
    "',;--",
    "x" * 4096,
    " ",
    "é😀",
)


def group(*labels: dict[str, str], status: str = "firing") -> AlertGroup:
    alerts = tuple(
        Alert(fingerprint=str(number), status=status, labels=one, starts_at=0.0) for number, one in enumerate(labels)
    )
    return AlertGroup(source="main", receiver="brain", group_key="{}", status=status, alerts=alerts)


def found(*labels: dict[str, str], known: tuple[str, ...] = (), **scope: Any) -> tuple[str, ...]:
    return alerting_entities(group(*labels), known, ScopeSettings.model_validate(scope), "lab")


# Labels to entities


@pytest.mark.parametrize("label", ["deployment", "daemonset", "statefulset", "replicaset", "job_name", "cronjob"])
def test_a_workload_is_named_by_its_own_label_and_not_by_who_measures_it(label: str) -> None:
    entity = entity_of({**KSM, "namespace": "shop", label: "cart", "pod": "kube-state-metrics-0"}, "lab")
    assert str(entity) == "lab/shop/workload/cart"


@pytest.mark.parametrize("label", ["horizontalpodautoscaler", "hpa", "scaledobject"])
def test_an_autoscaler_is_the_workload_of_its_name(label: str) -> None:
    assert str(entity_of({**KSM, "namespace": "shop", label: "cart"}, "lab")) == "lab/shop/workload/cart"


def test_the_workload_wins_over_its_autoscaler() -> None:
    labels = {"namespace": "shop", "horizontalpodautoscaler": "cart-hpa", "deployment": "cart"}
    assert str(entity_of(labels, "lab")) == "lab/shop/workload/cart"


def test_a_claim_of_a_volume_is_called_as_the_evidence_calls_it() -> None:
    labels = {"namespace": "shop", "persistentvolumeclaim": "data-db-0", "service": "kubelet", "node": "n1"}
    assert str(entity_of(labels, "lab")) == "lab/shop/workload/data-db-0"


@pytest.mark.parametrize(
    ("labels", "entity"),
    [
        ({"namespace": "shop", "pod": "cart-0", "container": "app"}, "lab/shop/pod/cart-0"),
        ({"namespace": "shop", "pod": "cart-0", "service": "cart", "node": "n1"}, "lab/shop/pod/cart-0"),
        ({"namespace": "shop", "service": "cart", "instance": "10.0.0.7:8080"}, CART),
        ({"namespace": "shop", "app": "cart"}, CART),
        ({"namespace": "shop", "app_kubernetes_io_name": "cart"}, CART),
        ({"service_name": "cart"}, "lab//service/cart"),
        ({"destination_service_name": "cart", "namespace": "shop"}, CART),
        ({"exported_namespace": "shop", "service": "cart"}, CART),
        ({"k8s_namespace_name": "shop", "service_name": "cart"}, CART),
        ({"kubernetes_namespace": "shop", "app": "cart"}, CART),
        ({"namespace": "shop", "exported_namespace": "other", "service": "cart"}, CART),
        ({"node": "n1", "instance": "10.0.0.7:9100", "namespace": "monitoring"}, "lab//node/n1"),
        ({"instance": "10.0.0.7:9100", "job": "node-exporter"}, "lab//node/10.0.0.7"),
        ({"instance": "db.example.org"}, "lab//node/db.example.org"),
        ({"instance": "[::1]:9100"}, "lab//node/[::1]"),
        ({"cluster": "east", "namespace": "shop", "service": "cart"}, "east/shop/service/cart"),
        ({"cluster": "", "namespace": "shop", "service": "cart"}, CART),
        ({"deployment": "", "pod": "", "service": "cart", "namespace": "shop"}, CART),
    ],
)
def test_the_label_that_says_most_decides(labels: dict[str, str], entity: str) -> None:
    assert str(entity_of(labels, "lab")) == entity


@pytest.mark.parametrize(
    "exporter",
    [
        "kube-state-metrics",
        "prometheus-kube-state-metrics",
        "kubelet",
        "prometheus-node-exporter",
        "cadvisor",
        "blackbox-exporter",
    ],
)
def test_who_measures_is_not_what_it_is_about(exporter: str) -> None:
    assert str(entity_of({"service": exporter, "node": "n1"}, "lab")) == "lab//node/n1"


def test_a_service_whose_name_only_resembles_an_exporters_is_one() -> None:
    assert str(entity_of({"service": "node-exporter-ui", "node": "n1"}, "")) == "//service/node-exporter-ui"


@pytest.mark.parametrize(
    "labels", [{}, {"alertname": "Watchdog", "severity": "none"}, {"job": "cart"}, {"namespace": "shop"}]
)
def test_an_alert_that_names_nothing_is_about_nothing(labels: dict[str, str]) -> None:
    assert entity_of(labels, "lab") is None
    assert found(labels) == ()


@pytest.mark.parametrize("label", ["deployment", "pod", "service", "node", "instance", "namespace", "cluster"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_part_of_one_name(label: str, value: str) -> None:
    labels = {"service": "cart", label: value}
    entity = entity_of(labels, "lab")
    assert entity is not None
    assert Entity.parse(str(entity)) == entity
    assert str(entity).count("/") == 3
    assert found(labels) == (str(entity),)


@given(st.dictionaries(st.sampled_from(["pod", "service", "node", "cluster", "namespace", "hpa"]), st.text()))
def test_any_labels_give_a_name_that_can_be_read_again(labels: dict[str, str]) -> None:
    assert all(str(Entity.parse(name)) == name for name in found(labels))


# Own names of labels


def test_own_labels_stand_for_known_ones() -> None:
    labels = {"k8s_ns": "shop", "kubernetes_pod_name": "cart-0"}
    names = {"k8s_ns": "namespace", "kubernetes_pod_name": "pod"}
    assert found(labels, labels=names) == ("lab/shop/pod/cart-0",)


@pytest.mark.parametrize("own", ["a_service", "z_service"])
def test_a_renamed_label_wins_over_one_that_is_called_so(own: str) -> None:
    labels = {"namespace": "shop", own: "cart", "service": "scrape-target"}
    assert found(labels, labels={own: "service"}) == (CART,)


def test_a_label_that_misleads_can_be_renamed_away() -> None:
    labels = {"namespace": "shop", "service": "scrape-target", "app": "cart"}
    assert found(labels, labels={"service": "scraped"}) == (CART,)


def test_two_labels_can_change_places() -> None:
    labels = {"namespace": "shop", "service": "cart", "pod": "x"}
    assert found(labels, labels={"service": "pod", "pod": "service"}) == ("lab/shop/pod/cart",)


# Aliases


@pytest.mark.parametrize(
    "labels",
    [
        {"namespace": "shop", "deployment": "cart"},
        {"namespace": "shop", "pod": "cart-6d5f8c7b9d-x2x9k"},
        {"namespace": "shop", "pod": "cart-0"},
        {"deployment": "cart"},
    ],
)
def test_an_alias_wins_however_the_thing_is_named(labels: dict[str, str]) -> None:
    aliases = {"lab/shop/workload/cart": "lab/shop/service/basket"}
    known = ("lab/shop/service/basket", "lab/shop/service/front")
    assert found(labels, known=known, aliases=aliases) == ("lab/shop/service/basket",)


def test_an_alias_wins_over_a_known_thing_of_the_same_name() -> None:
    aliases = {CART: "lab/shop/service/basket"}
    labels = {"namespace": "shop", "service": "cart"}
    assert found(labels, known=(CART,), aliases=aliases) == ("lab/shop/service/basket",)


def test_an_alias_of_another_cluster_is_not_meant() -> None:
    aliases = {"east/shop/service/cart": "east/shop/service/basket"}
    assert found({"namespace": "shop", "service": "cart"}, known=(CART,), aliases=aliases) == (CART,)


@pytest.mark.parametrize("wrong", ["cart", "lab/shop/service", "lab/shop/thing/cart", "a/b/service/c/d"])
@pytest.mark.parametrize("side", [0, 1])
def test_an_alias_that_is_no_entity_is_refused_with_the_kinds_there_are(wrong: str, side: int) -> None:
    pair = [CART, CART]
    pair[side] = wrong
    with pytest.raises(ConfigError, match=r"aliases.*expected cluster/namespace/kind/name|aliases.*is none of service"):
        check_settings({"aliases": {pair[0]: pair[1]}}, ScopeSettings, "rca.yaml: scope")


def test_aliases_are_kept_in_the_form_that_names_have() -> None:
    settings = ScopeSettings.model_validate({"aliases": {"lab/shop/service/50%": "lab/shop/service/a%2fb"}})
    assert settings.aliases == {"lab/shop/service/50%25": "lab/shop/service/a%2Fb"}


# As the evidence names it


@pytest.mark.parametrize(
    ("labels", "known", "name"),
    [
        ({"namespace": "shop", "deployment": "cart"}, (CART,), CART),
        ({"namespace": "shop", "pod": "cart-6d5f8c7b9d-x2x9k"}, (CART,), CART),
        ({"namespace": "shop", "pod": "agent-x2x9k"}, ("lab/shop/workload/agent",), "lab/shop/workload/agent"),
        ({"namespace": "shop", "pod": "cart-0"}, ("lab/shop/pod/cart-0", CART), "lab/shop/pod/cart-0"),
        ({"service": "cart"}, (CART,), CART),
        ({"namespace": "shop", "service": "cart"}, ("lab//service/cart",), "lab//service/cart"),
        ({"namespace": "shop", "service": "cart"}, ("/shop/service/cart",), "/shop/service/cart"),
        ({"namespace": "shop", "service": "cart"}, ("lab//service/cart", CART), CART),
        ({"namespace": "shop", "service": "db"}, ("lab/shop/database/db",), "lab/shop/database/db"),
        ({"instance": "10.0.0.7:9100"}, ("lab//node/10.0.0.7",), "lab//node/10.0.0.7"),
    ],
)
def test_a_thing_that_is_named_otherwise_is_found(labels: dict[str, str], known: tuple[str, ...], name: str) -> None:
    assert found(labels, known=known) == (name,)
    assert found(labels, known=tuple(reversed(known))) == (name,)


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        ({"namespace": "shop", "service": "cart"}, ("lab/other/service/cart",)),
        ({"namespace": "shop", "service": "cart"}, ("east/shop/service/cart",)),
        ({"namespace": "shop", "service": "cart"}, ("lab//node/cart",)),
        ({"node": "cart"}, (CART,)),
        ({"namespace": "shop", "service": "cart"}, ()),
    ],
)
def test_another_thing_of_the_same_name_is_not_meant(labels: dict[str, str], known: tuple[str, ...]) -> None:
    assert found(labels, known=known) == (str(entity_of(labels, "lab")),)


# Groups


def test_what_most_alerts_are_about_comes_first_and_ties_go_by_name() -> None:
    labels = [{"namespace": "shop", "service": name} for name in ("b", "z", "a", "z")]
    assert found(*labels) == tuple(f"lab/shop/service/{name}" for name in ("z", "a", "b"))


def test_resolved_alerts_count_only_when_none_fires() -> None:
    over = group({"namespace": "shop", "service": "cart"}, status="resolved")
    assert alerting_entities(over, (), ScopeSettings(), "lab") == (CART,)
    firing = group({"namespace": "shop", "service": "front"})
    both = AlertGroup(
        source="main", receiver="brain", group_key="{}", status="firing", alerts=(*over.alerts, *firing.alerts)
    )
    assert alerting_entities(both, (), ScopeSettings(), "lab") == ("lab/shop/service/front",)


@pytest.mark.parametrize(
    ("labels", "entity"),
    [
        ({"project": "platform/shop-services", "ref": "main"}, "prod//cloud-resource/shop-services"),
        ({"dimension_NatGatewayId": "nat-1"}, "prod//cloud-resource/nat-1"),
        ({"account_id": "210987654321", "budget": "shop-monthly"}, "prod//cloud-resource/shop-monthly"),
        ({"workspace": "prod-shop", "node": "n1"}, "prod//node/n1"),
    ],
)
def test_what_is_no_part_of_the_cluster_is_a_resource_of_its_own(labels: dict[str, str], entity: str) -> None:
    assert str(entity_of(labels, "prod")) == entity
