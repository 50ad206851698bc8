"""Alerts and evidence of two clusters, or of two names of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity, EntityKind
from brain_rca.scope.clusters import elsewhere

CART, FRONT = "prod/shop/service/cart", "prod/shop/service/front"
STRANGE = "eu/shop/service/cart"
ADVICE = (
    'where these are one cluster, set `cluster` to what the alerts name; else add a source of evidence that has "eu"'
)


def test_two_names_are_told_with_what_to_do() -> None:
    assert elsewhere((STRANGE,), {CART, FRONT}, "prod") == (
        'the alerts name the cluster "eu", but the evidence is of "prod" and the configuration says `cluster: "prod"`: '
        + ADVICE
    )


def test_series_may_name_their_clusters_themselves() -> None:
    said = elsewhere((STRANGE,), {CART, "us/shop/service/cart", "/shop/service/x"}, "")
    assert said == (
        'the alerts name the cluster "eu", but the evidence is of "prod", "us" and the configuration names no '
        "`cluster`: " + ADVICE
    )


def test_it_is_told_where_there_is_no_evidence_at_all() -> None:
    said = elsewhere((STRANGE,), (), "prod")
    assert 'there is no evidence of any and the configuration says `cluster: "prod"`' in said


@pytest.mark.parametrize(
    ("alerting", "known", "configured"),
    [
        ((CART,), {CART}, "prod"),
        (("prod/shop/service/other",), {CART}, "prod"),
        (("prod/shop/service/other",), {CART}, "eu"),  # series that name their cluster say more than the configuration
        (("eu/shop/service/other",), {CART, STRANGE}, "prod"),
        (("eu/shop/service/other",), {CART}, "eu"),
        (("/shop/service/other",), {CART}, "prod"),
        ((STRANGE,), {"/shop/service/other"}, ""),  # the one cluster there is has no name here
        ((STRANGE,), (), ""),
        ((), {CART}, "prod"),
    ],
)
def test_nothing_is_told_where_the_names_are_not_the_trouble(
    alerting: tuple[str, ...], known: set[str], configured: str
) -> None:
    assert elsewhere(alerting, known, configured) == ""


@given(names=st.lists(st.text(min_size=1), min_size=1, max_size=6), configured=st.text())
def test_names_of_any_kind_make_one_short_line(names: list[str], configured: str) -> None:
    alerting = tuple(str(Entity(name * 50, "", EntityKind.SERVICE, "x")) for name in names)
    said = elsewhere(alerting, {CART}, configured)
    assert len(said) < 1000
    assert said.isprintable()
