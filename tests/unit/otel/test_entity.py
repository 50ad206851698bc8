"""Which thing a resource is."""

from __future__ import annotations

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from brain_otel.attributes import Attributes
from brain_otel.entity import entity_of


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
