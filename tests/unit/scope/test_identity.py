"""Names of one thing joined: pod, workload, service, and whatever an alias says."""

from __future__ import annotations

import itertools

import pytest

from brain_common.entity import Entity, EntityKind
from brain_rca.scope.identity import POD_NAME, Identity, without_port

CART = Entity.parse("lab/shop/service/cart")
POD = Entity.parse("lab/shop/pod/cart-6d5f8c7b9d-x2x9k")


def canonical(entity: str, *others: str, owners: dict[str, str] | None = None, **aliases: str) -> str:
    parsed = {Entity.parse(pod): Entity.parse(workload) for pod, workload in (owners or {}).items()}
    return Identity([Entity.parse(one) for one in (entity, *others)], parsed, aliases).canonical(Entity.parse(entity))


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("cart-6d5f8c7b9d-x2x9k", "cart"),
        ("cart-v2-7bdf9c8c4f-zzzzz", "cart-v2"),
        ("cart-bcdfghjk-x2x9k", "cart"),
        ("agent-x2x9k", "agent"),
        ("db-0", "db"),
        ("redis-master-12", "redis-master"),
        ("backup-28374650-x2x9k", "backup"),
    ],
)
def test_the_name_of_a_pod_tells_its_workload(pod: str, workload: str) -> None:
    match = POD_NAME.match(pod)
    assert match is not None
    assert match["workload"] == workload


@pytest.mark.parametrize(
    "pod", ["cart", "cart-app", "static-web", "cart-12345678", "-0", "x2x9k", "", "etcd-node1.local"]
)
def test_the_name_of_a_pod_without_owner_tells_none(pod: str) -> None:
    assert POD_NAME.match(pod) is None


def test_a_very_long_name_takes_no_time() -> None:
    assert POD_NAME.match("a-" * 20_000) is None


@pytest.mark.parametrize(
    ("entity", "others", "name"),
    [
        ("lab/shop/pod/cart-0", (), "lab/shop/workload/cart"),
        ("lab/shop/pod/cart-0", ("lab/shop/service/cart",), "lab/shop/service/cart"),
        ("lab/shop/workload/cart", ("lab/shop/service/cart",), "lab/shop/service/cart"),
        ("lab/shop/workload/cart", ("lab//service/cart",), "lab//service/cart"),
        ("lab//service/cart", ("lab/shop/service/cart",), "lab/shop/service/cart"),
        ("/shop/service/cart", ("lab/shop/service/cart",), "/shop/service/cart"),
        ("lab/shop/workload/cart", ("lab/other/service/cart",), "lab/shop/workload/cart"),
        ("lab/shop/workload/cart", ("east/shop/service/cart",), "lab/shop/workload/cart"),
        ("lab//service/cart", ("lab/a/service/cart", "lab/b/service/cart"), "lab//service/cart"),
        ("lab/shop/pod/standalone", (), "lab/shop/pod/standalone"),
        ("lab//node/cart", ("lab/shop/service/cart",), "lab//node/cart"),
        ("lab/shop/database/cart", ("lab/shop/service/cart",), "lab/shop/database/cart"),
        ("lab//database/orders-db", ("lab//service/orders-db",), "lab//service/orders-db"),
        ("lab//database/orders-db", ("east//service/orders-db",), "lab//database/orders-db"),
        ("lab//database/orders-db", (), "lab//database/orders-db"),
    ],
)
def test_names_of_one_thing_are_joined_and_of_two_are_not(entity: str, others: tuple[str, ...], name: str) -> None:
    assert {canonical(entity, *order) for order in itertools.permutations(others)} == {name}


def test_an_owner_that_the_cluster_names_wins_over_the_name_of_the_pod() -> None:
    owners = {"lab/shop/pod/cart-0": "lab/shop/workload/basket"}
    assert canonical("lab/shop/pod/cart-0", "lab/shop/service/cart", owners=owners) == "lab/shop/workload/basket"


@pytest.mark.parametrize("named", ["lab/shop/pod/cart-0", "lab/shop/workload/cart", "lab/shop/service/cart"])
def test_an_alias_of_any_name_on_the_way_wins(named: str) -> None:
    others = ("lab/shop/service/cart",) if named.endswith("service/cart") else ()
    assert canonical("lab/shop/pod/cart-0", *others, **{named: "lab/shop/service/basket"}) == "lab/shop/service/basket"


def test_the_same_thing_is_named_the_same_each_time() -> None:
    identity = Identity([POD, CART])
    assert identity.canonical(POD) == identity.canonical(POD) == identity.canonical(CART) == str(CART)


@pytest.mark.parametrize(
    ("instance", "node"),
    [("10.0.0.7:9100", "10.0.0.7"), ("n1", "n1"), ("[::1]:9100", "[::1]"), ("n1:port", "n1:port"), ("", "")],
)
def test_a_scrape_target_is_its_node(instance: str, node: str) -> None:
    assert without_port(instance) == node


def test_every_kind_has_a_name() -> None:
    for kind in EntityKind:
        assert Identity([]).canonical(Entity("lab", "shop", kind, "x")).startswith("lab/shop/")


def test_a_name_is_as_clean_as_the_labels_of_an_alert_about_it() -> None:
    hostile = Entity("lab", "shop", EntityKind.SERVICE, "cart\x1b[2J\x9b\u202e")
    assert Identity([hostile]).canonical(hostile) == "lab/shop/service/cart[2J"
