"""Steps and groups for tests of enrichers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_otel.batch import Batch, Group
from brain_otel.enrich.kind import Context, Enricher, load_enricher
from brain_otel.signals import WIRES, Signal


class Made:
    """One step with metrics of its own."""

    def __init__(self, name: str, settings: Mapping[str, Any] | None = None) -> None:
        kind = load_enricher(name)
        self.registry = CollectorRegistry()
        context = Context("", ManualClock(0.0), self.registry)
        self.enricher: Enricher = kind.build(kind.settings.model_validate(settings or {}), context)

    def on(self, batch: Batch) -> Batch:
        """The batch after the step, as the next hop reads it."""
        for group in batch.groups:
            self.enricher.enrich(group)
        return Batch.decode(batch.signal, batch.encode())

    def counted(self, name: str, **labels: str) -> float:
        """A sample of the step's metrics; 0 where there is none."""
        return self.registry.get_sample_value(name, labels) or 0.0


def batch_of(signal: Signal) -> tuple[Batch, Group]:
    """A batch with one group and one scope."""
    wire = WIRES[signal]
    message = wire.request()
    getattr(getattr(message, wire.groups).add(), wire.scopes).add()
    batch = Batch(wire, message)
    return batch, batch.groups[0]


def log(body: str | AnyValue = "", **fields: Any) -> Batch:
    """A batch with one log record."""
    batch, group = batch_of(Signal.LOGS)
    record = group.message.scope_logs[0].log_records.add(**fields)
    if isinstance(body, str):
        record.body.string_value = body
    else:
        record.body.CopyFrom(body)
    return batch


def only(batch: Batch) -> Any:
    """Its one record."""
    (record,) = batch.groups[0].records()
    return record
