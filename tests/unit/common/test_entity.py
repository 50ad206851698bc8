"""Names of things: text and back, whatever the parts hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError

ENTITIES = st.builds(Entity, st.text(), st.text(), st.sampled_from(EntityKind), st.text())


@given(ENTITIES)
def test_the_text_form_can_be_read_again(entity: Entity) -> None:
    assert Entity.parse(str(entity)) == entity


@given(ENTITIES, ENTITIES)
def test_different_things_have_different_names(one: Entity, other: Entity) -> None:
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("lab/shop/service/cart", Entity("lab", "shop", EntityKind.SERVICE, "cart")),
        ("//node/10.0.0.7", Entity("", "", EntityKind.NODE, "10.0.0.7")),
        ("a/b/cloud-resource/arn:aws:s3:::x%2Fy", Entity("a", "b", EntityKind.CLOUD_RESOURCE, "arn:aws:s3:::x/y")),
        ("a/b/topic/50%25", Entity("a", "b", EntityKind.TOPIC, "50%")),
        ("a/b/topic/50%", Entity("a", "b", EntityKind.TOPIC, "50%")),
    ],
)
def test_a_name_is_read(text: str, entity: Entity) -> None:
    assert Entity.parse(text) == entity


@pytest.mark.parametrize("text", ["", "cart", "a/b/service", "a/b/service/c/d", "////"])
def test_a_name_of_other_than_four_parts_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected cluster/namespace/kind/name"):
        Entity.parse(text)


@pytest.mark.parametrize("kind", ["Service", "", "deployment", "service "])
def test_an_unknown_kind_is_refused_with_those_there_are(kind: str) -> None:
    with pytest.raises(InputError, match="is none of service, workload, pod, node, database, topic, cloud-resource"):
        Entity.parse(f"a/b/{kind}/c")


def test_things_are_in_order_by_cluster_namespace_kind_and_name() -> None:
    names = ["a/a/node/z", "a/a/service/a", "a/b/node/a", "b/a/node/a"]
    assert [str(one) for one in sorted(Entity.parse(name) for name in reversed(names))] == names
