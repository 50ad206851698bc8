"""Which thing a resource is."""

from __future__ import annotations

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from brain_otel.attributes import Attributes
from brain_otel.entity import entities_of, entity_of


def _resource(attributes: dict[str, str]) -> Attributes:
    made = Attributes(Resource().attributes)
    for key, value in attributes.items():
        made.set(key, value)
    return made


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {
                "k8s.namespace.name": "shop",
                "k8s.deployment.name": "cart",
                "k8s.pod.name": "cart-1",
                "service.name": "c",
            },
            "c1/shop/workload/cart",
        ),
        (
            {"k8s.cronjob.name": "bill", "k8s.job.name": "bill-2873", "k8s.namespace.name": "shop"},
            "c1/shop/workload/bill",
        ),
        ({"service.name": "cart", "service.namespace": "shop"}, "c1/shop/service/cart"),
        ({"service.name": "cart", "k8s.pod.name": "cart-1", "k8s.namespace.name": "shop"}, "c1/shop/service/cart"),
        ({"service.name": "unknown_service:java", "k8s.pod.name": "p", "k8s.namespace.name": "n"}, "c1/n/pod/p"),
        ({"k8s.node.name": "ip-1", "k8s.namespace.name": "n"}, "c1//node/ip-1"),
        ({"cloud.resource_id": "arn:aws:rds:x:db"}, "c1//cloud-resource/arn:aws:rds:x:db"),
        ({"k8s.cluster.name": "other", "service.name": "cart"}, "other//service/cart"),
        ({"service.name": "unknown_service"}, "c1//service/unknown_service"),
        ({}, "c1//service/"),
    ],
)
def test_entity(attributes: dict[str, str], expected: str) -> None:
    assert str(entity_of(_resource(attributes), "c1")) == expected


def test_a_resource_has_all_its_names() -> None:
    names = {
        "service.name": "cart-api",
        "k8s.namespace.name": "shop",
        "k8s.deployment.name": "cart",
        "k8s.pod.name": "cart-7d4f-x2x2x",
        "k8s.node.name": "n1",
        "cloud.account.id": "123456789012",
        "cloud.resource_id": "arn:aws:ecs:eu-west-1:123456789012:task/t",
    }
    assert [str(entity) for entity in entities_of(_resource(names), "c1")] == [
        "c1/shop/service/cart-api",
        "c1/shop/workload/cart",
        "c1/shop/pod/cart-7d4f-x2x2x",
        "c1//node/n1",
        "c1/123456789012/cloud-resource/arn:aws:ecs:eu-west-1:123456789012:task%2Ft",
    ]


@pytest.mark.parametrize(
    "attributes",
    [{}, {"service.name": "unknown_service:java"}, {"k8s.namespace.name": "shop", "k8s.cluster.name": "c2"}],
)
def test_what_names_nothing_has_no_name(attributes: dict[str, str]) -> None:
    assert entities_of(_resource(attributes), "c1") == []


def test_the_one_entity_of_a_resource_is_among_all_its_names() -> None:
    names = {"service.name": "cart", "service.namespace": "shop", "k8s.cronjob.name": "bill", "k8s.job.name": "bill-1"}
    while names:
        assert entity_of(_resource(names), "c1") in entities_of(_resource(names), "c1")
        names.popitem()
        names.pop("service.namespace", None)
