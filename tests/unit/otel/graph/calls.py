"""Spans as services send them, and what an observer makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prometheus_client.openmetrics.exposition import generate_latest

from brain_common.clock import ManualClock
from brain_otel.batch import Batch
from brain_otel.enrich.kind import Context
from brain_otel.graph.config import ServiceGraphSettings
from brain_otel.graph.edges import EdgeSeen
from brain_otel.graph.observer import SpanObserver
from brain_otel.signals import WIRES, Signal
from tests.unit.otel.enrich.samples import T0, context

UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
EDGE = "traces_service_graph_request"


@dataclass(frozen=True)
class One:
    """A span; ids are numbers, 0 is none."""

    service: str
    kind: int
    span: int
    parent: int = 0
    attributes: dict[str, str | int] = field(default_factory=dict)
    name: str = "GET /"
    seconds: float = 0.1
    status: int = 0
    trace: int = 1
    links: tuple[tuple[int, int], ...] = ()
    start: float = T0


def request(*spans: One, **resource: str) -> Batch:
    """A batch with a resource for each span."""
    wire = WIRES[Signal.TRACES]
    message = wire.request()
    for one in spans:
        group = message.resource_spans.add()
        _set(group.resource.attributes, {"service.name": one.service, **resource} if one.service else resource)
        span = group.scope_spans.add().spans.add(
            trace_id=trace_id(one.trace), span_id=span_id(one.span), name=one.name, kind=one.kind
        )
        span.parent_span_id = span_id(one.parent) if one.parent else b""
        span.start_time_unix_nano = int(one.start * 1e9)
        span.end_time_unix_nano = int((one.start + one.seconds) * 1e9)
        span.status.code = one.status
        for trace, link in one.links:
            span.links.add(trace_id=trace_id(trace), span_id=span_id(link))
        _set(span.attributes, one.attributes)
    return Batch(wire, message)


def trace_id(number: int) -> bytes:
    """Of a trace."""
    return number.to_bytes(16, "big")


def span_id(number: int) -> bytes:
    """Of a span."""
    return number.to_bytes(8, "big")


def _set(pairs: Any, attributes: Any) -> None:
    for key, value in attributes.items():
        pair = pairs.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value


class Watched:
    """An observer whose time is ours."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(T0)
        self.context: Context = context("c1", self.clock)
        self.edges: list[EdgeSeen] = []
        self.observer = SpanObserver(ServiceGraphSettings(**settings), self.context, self.edges.extend)

    def see(self, *spans: One, **resource: str) -> Watched:
        """Each in a batch of its own."""
        for one in spans:
            self.observer.observe(request(one, **resource))
        return self

    def later(self, seconds: float = 11) -> Watched:
        """After a while."""
        self.clock.advance(seconds)
        self.observer.sweep()
        return self

    def text(self) -> str:
        """What a scrape gets."""
        return str(generate_latest(self.context.registry).decode())  # type: ignore[no-untyped-call]

    def samples(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Of one metric."""
        found = [sample for family in self.context.registry.collect() for sample in family.samples]
        return [(dict(sample.labels), sample.value) for sample in found if sample.name == name]

    def calls(self, name: str = f"{EDGE}_total") -> dict[tuple[str, str, str], float]:
        """By client, server and connection type."""
        return {
            (labels["client"], labels["server"], labels.get("connection_type", "")): value
            for labels, value in self.samples(name)
            if "client" in labels
        }

    def outcomes(self) -> dict[str, float]:
        """Of ends."""
        return {labels["outcome"]: value for labels, value in self.samples("brain_otel_graph_ends_total")}
