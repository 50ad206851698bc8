"""Groups of records for steps, and what steps are given."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

from brain_common.clock import Clock, ManualClock
from brain_otel.batch import Batch, Group
from brain_otel.enrich.kind import Context
from brain_otel.signals import WIRES, Signal

T0 = 1_700_000_000.0


def context(cluster: str = "", clock: Clock | None = None) -> Context:
    """Of a processor that has just started at ``T0``."""
    return Context(cluster, clock or ManualClock(T0), CollectorRegistry())


def group(resource: dict[str, Any], signal: Signal = Signal.TRACES) -> Group:
    """One record of a resource with these attributes of text."""
    wire = WIRES[signal]
    message = wire.request()
    own = getattr(message, wire.groups).add()
    getattr(getattr(own, wire.scopes).add(), wire.records).add()
    for key, value in resource.items():
        own.resource.attributes.add(key=key).value.string_value = value
    return Batch(wire, message).groups[0]


def attributes(one: Group) -> dict[str, Any]:
    """Of its resource, whatever their types."""
    pairs = one.message.resource.attributes
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def added(step: Any, resource: dict[str, Any]) -> dict[str, Any]:
    """What a step adds to a resource, all else being as it was."""
    one = group(resource)
    step.enrich(one)
    after = attributes(one)
    assert {key: after[key] for key in resource} == resource
    return {key: value for key, value in after.items() if key not in resource}
