"""Names of one thing join as in the judgement."""

from __future__ import annotations

import pytest

from brain_common.entity import Entity
from brain_otel.enrich.entities import EntityIndex, entities_of
from tests.unit.otel.enrich.samples import group


def entities(cluster: str = "", **resource: str) -> list[str]:
    named = {key.replace("_", "."): value for key, value in resource.items()}
    return [str(entity) for entity in entities_of(group(named).resource, cluster)]


def index(*names: str) -> EntityIndex[str]:
    return EntityIndex((Entity.parse(name), name) for name in names)


def found(known: EntityIndex[str], name: str) -> list[str]:
    return known.find([Entity.parse(name)])


def test_a_resource_has_all_its_names() -> None:
    names = {
        "service.name": "cart-api",
        "k8s.namespace.name": "shop",
        "k8s.deployment.name": "cart",
        "k8s.replicaset.name": "cart-7d4f",
        "k8s.pod.name": "cart-7d4f-x2x2x",
        "k8s.node.name": "n1",
        "cloud.account.id": "123456789012",
        "cloud.resource_id": "arn:aws:ecs:eu-west-1:123456789012:task/t",
    }
    assert [str(entity) for entity in entities_of(group(names).resource, "eu-1")] == [
        "eu-1/shop/service/cart-api",
        "eu-1/shop/workload/cart",
        "eu-1/shop/workload/cart-7d4f",
        "eu-1/shop/pod/cart-7d4f-x2x2x",
        "eu-1//node/n1",
        "eu-1/123456789012/cloud-resource/arn:aws:ecs:eu-west-1:123456789012:task%2Ft",
    ]


def test_the_cluster_of_the_resource_wins() -> None:
    names = {"service.name": "cart", "k8s.cluster.name": "us-1"}
    assert [entity.cluster for entity in entities_of(group(names).resource, "eu-1")] == ["us-1"]


@pytest.mark.parametrize("name", ["unknown_service", "unknown_service:java", ""])
def test_a_service_without_name_is_none(name: str) -> None:
    assert entities(service_name=name) == []


def test_a_resource_that_says_nothing_is_nothing() -> None:
    assert entities("eu-1") == []


@pytest.mark.parametrize("asked", ["/shop/service/cart", "/shop/workload/cart", "/shop/pod/cart", "eu-1/shop/pod/cart"])
def test_service_workload_and_pod_of_one_name_are_one_thing(asked: str) -> None:
    assert found(index("/shop/service/cart"), asked) == ["/shop/service/cart"]


@pytest.mark.parametrize("asked", ["//node/cart", "/shop/database/cart", "/shop/service/basket", "/bank/service/cart"])
def test_another_thing_is_not_found(asked: str) -> None:
    assert found(index("/shop/service/cart"), asked) == []


def test_the_own_namespace_is_better_than_none_and_none_better_than_another() -> None:
    known = index("//service/cart", "/shop/service/cart", "/bank/service/cart")
    assert found(known, "/shop/service/cart") == ["/shop/service/cart"]
    assert found(known, "/labs/service/cart") == ["//service/cart"]


def test_without_a_namespace_only_what_is_not_ambiguous_is_found() -> None:
    assert found(index("/shop/service/cart"), "//service/cart") == ["/shop/service/cart"]
    assert found(index("/shop/service/cart", "/bank/service/cart"), "//service/cart") == []


def test_clusters_are_told_apart() -> None:
    known = index("eu-1/shop/service/cart", "us-1/shop/service/cart")
    assert found(known, "us-1/shop/service/cart") == ["us-1/shop/service/cart"]
    assert found(known, "ap-1/shop/service/cart") == []
    assert found(known, "/shop/service/cart") == []


def test_of_one_entity_the_last_counts() -> None:
    cart = Entity.parse("/shop/service/cart")
    assert EntityIndex([(cart, 1), (cart, 2)]).find([cart]) == [2]


def test_an_empty_index_is_false() -> None:
    assert not EntityIndex()
    assert index("/shop/service/cart")
