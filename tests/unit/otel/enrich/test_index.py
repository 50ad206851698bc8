"""Names of one thing join as in the judgement."""

from __future__ import annotations

import pytest

from brain_common.entity import Entity
from brain_otel.enrich.index import EntityIndex
from tests.unit.otel.enrich.samples import group


def index(*names: str) -> EntityIndex[str]:
    return EntityIndex((Entity.parse(name), name) for name in names)


def found(known: EntityIndex[str], name: str) -> list[str]:
    return known.find([Entity.parse(name)])


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


def test_a_resource_that_comes_again_is_what_it_was_and_another_is_not() -> None:
    known = index("/shop/service/cart", "//node/n1")
    for _ in range(2):
        assert known.of(group({"service.name": "cart", "k8s.node.name": "n1"}), "") == [
            "/shop/service/cart",
            "//node/n1",
        ]
        assert known.of(group({"service.name": "cart"}), "") == ["/shop/service/cart"]
        assert not known.of(group({"service.name": "front"}), "")


def test_what_is_remembered_of_resources_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain_otel.enrich.index._REMEMBERED", 3)
    known = index("/shop/service/cart")
    for number in range(10):
        known.of(group({"service.name": f"s{number}"}), "")
    assert len(known._seen) <= 3
    assert known.of(group({"service.name": "cart"}), "") == ["/shop/service/cart"]
