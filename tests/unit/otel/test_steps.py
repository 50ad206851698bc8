"""Steps run in their order, each on every group; where a request repeats a resource, those that allow it run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from brain_common.clock import SystemClock
from brain_common.settings import Settings
from brain_otel.batch import Batch, Group
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.signals import WIRES, Signal
from brain_otel.steps import Step, Steps

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Does:
    """A step that does what it is given, and remembers whom it was asked about."""

    def __init__(self, what: Callable[[Group], None]) -> None:
        self._what = what
        self.asked: list[str] = []

    def enrich(self, group: Group) -> None:
        self.asked.append(group.resource.get("service.name"))
        self._what(group)


def step(name: str, does: Does, *, resource_only: bool = False, closed: bool = False) -> Step:
    kind = EnricherKind(name=name, settings=Settings, build=lambda *_: does, resource_only=resource_only, closed=closed)
    return Step(kind, does)


def steps(of: Sequence[Step], registry: CollectorRegistry | None = None) -> Steps:
    return Steps(of, Context("", SystemClock(), registry or CollectorRegistry()))


def batch(*services: str) -> Batch:
    wire = WIRES[Signal.LOGS]
    request = wire.request()
    for service in services:
        group = request.resource_logs.add()
        group.resource.attributes.add(key="service.name").value.string_value = service
        group.scope_logs.add().log_records.add(severity_text="INFO")
    return Batch(wire, request)


def values(of: Batch, key: str) -> list[str]:
    again = Batch.decode(of.signal, of.encode())
    return [group.resource.get(key) for group in again.groups]


def test_a_step_about_resources_is_asked_once_for_all_that_are_equal() -> None:
    does = Does(lambda group: group.resource.set("seen", group.resource.get("service.name")))
    one = batch("cart", "mail", "cart", "cart")
    steps([step("resources", does, resource_only=True)]).enrich(one)
    assert does.asked == ["cart", "mail"]
    assert values(one, "seen") == ["cart", "mail", "cart", "cart"]


def test_a_step_about_records_is_asked_about_every_group() -> None:
    does = Does(lambda group: None)
    steps([step("records", does)]).enrich(batch("cart", "cart"))
    assert does.asked == ["cart", "cart"]


def test_resources_that_a_step_has_made_different_are_asked_about_apart() -> None:
    numbers = iter("ab")
    first = Does(lambda group: group.resource.set("number", next(numbers)))
    second = Does(lambda group: group.resource.set("copy", group.resource.get("number")))
    one = batch("cart", "cart")
    steps([step("records", first), step("resources", second, resource_only=True)]).enrich(one)
    assert values(one, "copy") == ["a", "b"]


def test_a_step_that_fails_leaves_the_group_to_the_next() -> None:
    def fail(_: Group) -> None:
        raise ValueError("no")

    registry = CollectorRegistry()
    last, one = Does(lambda group: group.resource.set("seen", "yes")), batch("cart", "mail")
    steps([step("fails", Does(fail)), step("last", last)], registry).enrich(one)
    assert values(one, "seen") == ["yes", "yes"]
    assert registry.get_sample_value("brain_otel_enrich_failures_total", {"enricher": "fails"}) == 2


@pytest.mark.parametrize("closed", [True, False])
def test_a_step_that_takes_away_what_must_not_leave_takes_the_group_when_it_fails(closed: bool) -> None:
    def fail(group: Group) -> None:
        if group.resource.get("service.name") == "cart":
            raise ValueError("no")

    one = batch("cart", "mail")
    steps([step("redacts", Does(fail), closed=closed)]).enrich(one)
    assert values(one, "service.name") == (["mail"] if closed else ["cart", "mail"])
