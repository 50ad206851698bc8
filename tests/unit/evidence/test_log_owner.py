"""Whose a line is, in the names that collectors write."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from brain_common.entity import Entity, EntityKind
from brain_rca.evidence.log_owner import Owners
from brain_rca.evidence.protocol import Focus

POD = "cart-6d5f8c7b9d-x2x9k"
CART = Entity("lab", "shop", EntityKind.SERVICE, "cart")
OTHER = Entity("lab", "other", EntityKind.SERVICE, "cart")


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "shop", "pod": POD},
        {"kubernetes.namespace_name": "shop", "kubernetes.pod_name": POD},
        {"kubernetes.namespace": "shop", "kubernetes.labels.app_kubernetes_io/name": "cart"},
        {"resource.attributes.k8s.namespace.name": "shop", "resource.attributes.k8s.pod.name": POD},
        {"resource.k8s.namespace.name": "shop", "resource.k8s.pod.name": POD},
        {"resource.service.namespace": "shop", "resource.service.name": "cart"},
        {"Resource.k8s.namespace.name": "shop", "Resource.service.name": "cart"},
        {"namespace": "shop", "pod": POD, "resource_namespace": "other"},  # what the line is about
        {"resource_namespace": "other", "namespace": "shop", "pod": POD},
    ],
)
def test_the_names_of_collectors(fields: Mapping[str, str]) -> None:
    owner = Owners(Focus(frozenset({CART, OTHER}))).of(fields)
    assert owner is not None
    assert owner.entity == CART
