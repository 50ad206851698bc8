"""Events to a batch: how much each has grown since it was counted last, and its row for the lake.

What was counted of an Event is noted under its uid, in the state file and not in memory: an API server holds events
by the hundred thousand. A batch asks for all its notes at once. So it does not matter where an event comes from: a
list after an outage, a watch, or both; what was counted is not counted again, what was missed is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from brain_common.entity import EntityKind
from brain_exporters.kube_events.event import Event, decoder, kind_of
from brain_exporters.kube_events.owners import Owners
from brain_exporters.kube_events.rules import Rules
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_lake.schemas import EVENTS

NOTE: Final = "e/"
_LONGEST_MESSAGE: Final = 4096  # characters; the API server itself takes 1,024 of events.k8s.io, any number of core/v1
EVENTS_TOTAL: Final = CounterSpec(
    "kube_events",
    "Happenings of Kubernetes events, repeats included.",
    ("type", "reason", "involved_object_kind", "involved_object_namespace", "involved_object_name"),
)
DROPPED: Final = CounterSpec("kube_events_dropped", "Happenings of events that the rules leave out.", ())
MALFORMED: Final = CounterSpec("kube_events_malformed", "Lines of a watch that are no event.", ())
_note: Final = struct.Struct(
    ">QQ"
)  # when it was counted last, in seconds since the epoch, so that age sorts; its total


def counted_before(moment: float) -> bytes:
    """What notes of events counted before ``moment`` come before."""
    return _note.pack(max(0, int(moment)), 0)


@dataclass(frozen=True, slots=True)
class Grown:
    """An event and by how much it has grown."""

    event: Event
    growth: int


class Tally:
    """Makes batches of raw events.

    Args:
        cluster: First part of entities.
        rules: Which events are kept.
        owners: Who pods belong to.
        with_name: Whether the counter's label for the involved object's name is filled.
    """

    def __init__(self, cluster: str, rules: Rules, owners: Owners, with_name: bool) -> None:
        self._cluster = cluster
        self._rules = rules
        self._owners = owners
        self._with_name = with_name

    def decode(self, raws: Iterable[msgspec.Raw], batch: Batch) -> list[Event]:
        """Those that are events; the others are counted."""
        events = []
        for raw in raws:
            try:
                events.append(decoder.decode(raw))
            except (msgspec.DecodeError, UnicodeDecodeError):
                batch.count(MALFORMED.name, ())
        return [event for event in events if event.metadata.uid]

    def forget(self, raws: Iterable[msgspec.Raw], batch: Batch) -> None:
        """Drop the notes of deleted events; their uids never come again."""
        for event in self.decode(raws, batch):
            batch.notes[NOTE + event.metadata.uid] = None

    def count(self, events: Sequence[Event], notes: Mapping[str, bytes], now: float, batch: Batch) -> None:
        """Add what has grown to ``batch``; ``notes`` are those of the events' uids."""
        totals = {key: _note.unpack(value)[1] for key, value in notes.items()}
        kept = []
        for event in events:
            key = NOTE + event.metadata.uid
            growth = event.total - totals.get(key, 0)
            if growth <= 0:
                continue
            totals[key] = event.total
            batch.notes[key] = _note.pack(int(now), event.total)
            if not self._rules.keep(event):
                batch.count(DROPPED.name, (), growth)
                continue
            batch.count(EVENTS_TOTAL.name, self._labels(event), growth)
            kept.append(Grown(event, growth))
        if kept:
            batch.add_rows(EVENTS, self._rows(kept))

    def _labels(self, event: Event) -> tuple[str, ...]:
        involved = event.involved
        # An empty label is the same as none to Prometheus.
        name = involved.name if self._with_name else ""
        return event.type, event.reason, involved.kind, involved.namespace, name

    def _rows(self, kept: Sequence[Grown]) -> pa.Table:
        entities = [self._entity(each.event) for each in kept]
        events = [each.event for each in kept]
        columns: dict[str, Sequence[Any]] = {
            "timestamp": [event.seen for event in events],
            "cluster": [self._cluster] * len(events),
            "namespace": [event.involved.namespace for event in events],
            "kind": [kind.value for kind, _ in entities],
            "name": [name for _, name in entities],
            "type": [event.type for event in events],
            "reason": [event.reason for event in events],
            "message": [event.message[:_LONGEST_MESSAGE] for event in events],
            "actor": [event.component for event in events],
            "count": [each.growth for each in kept],
            "first_seen": [event.first_seen for event in events],
            "involved_kind": [event.involved.kind for event in events],
            "involved_name": [event.involved.name for event in events],
            "involved_uid": [event.involved.uid for event in events],
            "event_uid": [event.metadata.uid for event in events],
            "total": [event.total for event in events],
            "component": [event.component for event in events],
            "host": [event.host for event in events],
            "action": [event.action for event in events],
        }
        fields = [EVENTS.columns.field(name) for name in columns]
        return pa.table([pa.array(columns[field.name], field.type) for field in fields], names=list(columns))

    def _entity(self, event: Event) -> tuple[EntityKind, str]:
        involved = event.involved
        kind, name = self._owners.top(involved.kind, involved.namespace, involved.name)
        word = kind_of(kind)
        if word is EntityKind.CLOUD_RESOURCE:  # such as a claim of a volume: the kind is part of its name
            name = f"{kind}/{name}"
        return word, name
