"""The newest change of a resource, as long as it is new."""

from __future__ import annotations

import pytest

from brain_common.clock import ManualClock
from brain_otel.enrich.changes import Changes, ChangeSettings
from brain_otel.side.reads import CHANGES, ChangeRow
from brain_otel.side.snapshots import encode
from tests.unit.otel.enrich.samples import T0, added, context

CART = {"service.name": "cart", "k8s.namespace.name": "shop"}


def row(name: str = "cart", ago: float = 60, *, kind: str = "workload", change: str = "kubernetes:c1") -> ChangeRow:
    return ChangeRow("", "shop" if kind == "workload" else "", kind, name, T0 - ago, change, "rollout", "alex")


def step(*rows: ChangeRow, clock: ManualClock | None = None, **settings: object) -> Changes:
    given = context(clock=clock)
    one = Changes(ChangeSettings.model_validate(settings), given)
    given.snapshots.deliver(CHANGES, encode(rows))
    return one


def test_a_change_is_told_without_its_author() -> None:
    assert added(step(row()), CART) == {
        "brain.change.id": "kubernetes:c1",
        "brain.change.kind": "rollout",
        "brain.change.time": "2023-11-14T22:12:20Z",
    }


def test_the_author_is_told_to_who_asked_for_it() -> None:
    assert added(step(row(), actor=True), CART)["brain.change.actor"] == "alex"


def test_the_newest_change_of_all_its_names_counts() -> None:
    rows = [row(ago=60), row(ago=120, change="kubernetes:c0"), row("n1", 30, kind="node", change="terraform:t1")]
    assert added(step(*rows), CART)["brain.change.id"] == "kubernetes:c1"
    assert added(step(*rows), {**CART, "k8s.node.name": "n1"})["brain.change.id"] == "terraform:t1"


@pytest.mark.parametrize(("ago", "told"), [(1800, True), (1801, False)])
def test_a_change_is_told_as_long_as_it_is_new(ago: float, told: bool) -> None:
    assert bool(added(step(row(ago=ago)), CART)) is told


def test_time_passes_between_two_readings() -> None:
    clock = ManualClock(T0)
    one = step(row(ago=1700), clock=clock)
    assert added(one, CART)
    clock.advance(101)
    assert not added(one, CART)


def test_a_reading_that_is_stale_tells_nothing() -> None:
    clock = ManualClock(T0)
    one = step(row(), clock=clock)
    clock.advance(301)
    assert not added(one, CART)


def test_a_resource_that_has_a_change_keeps_all_of_it() -> None:
    assert added(step(row()), {**CART, "brain.change.id": "other"}) == {}


def test_a_kind_that_is_not_known_is_left_out() -> None:
    assert added(step(row(kind="teapot")), CART) == {}


def test_as_much_as_is_wanted_is_asked_for() -> None:
    given = context()
    Changes(ChangeSettings(within_seconds=600), given)
    assert given.snapshots.wanted == {CHANGES: 600}
    assert not given.background
