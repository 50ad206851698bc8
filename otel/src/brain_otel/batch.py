"""One export request, decoded: groups of records that share a resource.

A resource stands for a thousand records, so steps look at resources where they can: decoding, one attribute per
resource and encoding again are three times as fast as one attribute per record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from brain_common.errors import InputError
from brain_otel.attributes import Attributes
from brain_otel.signals import WIRES, Signal, Wire


class Group:
    """The records of one resource.

    Attributes:
        signal: What they are.
        message: ``ResourceSpans``, ``ResourceMetrics`` or ``ResourceLogs``; may be changed.
        peer: Address of the sender without port, empty where unknown; the pod itself, or a Collector in front.
    """

    __slots__ = ("_resource", "_wire", "message", "peer")

    def __init__(self, wire: Wire, message: Any, peer: str) -> None:  # noqa: ANN401 - one of three messages
        self._wire = wire
        self.message = message
        self.peer = peer
        self._resource: Attributes | None = None  # made when asked for: of many alike, only one is

    @property
    def resource(self) -> Attributes:
        """The attributes of its resource."""
        if self._resource is None:
            self._resource = Attributes(self.message.resource.attributes)
        return self._resource

    def take_resource(self, other: Group) -> None:
        """Have the same resource as another group."""
        self.message.resource.CopyFrom(other.message.resource)
        self._resource = None

    @property
    def signal(self) -> Signal:
        """What the records are."""
        return self._wire.signal

    def records(self) -> Iterator[Any]:
        """Every ``Span``, ``Metric`` or ``LogRecord``."""
        for scope in getattr(self.message, self._wire.scopes):
            yield from getattr(scope, self._wire.records)

    def keep(self, wanted: Callable[[Any], bool]) -> int:
        """Take away the records that are not wanted, and scopes that have none left; returns how many records went."""
        scopes, gone = getattr(self.message, self._wire.scopes), 0
        for place in range(len(scopes) - 1, -1, -1):
            records = getattr(scopes[place], self._wire.records)
            kept = [record for record in records if wanted(record)]
            if len(kept) == len(records):
                continue
            gone += len(records) - len(kept)
            if kept:
                copies = type(scopes[place])()
                getattr(copies, self._wire.records).extend(kept)
                scopes[place].ClearField(self._wire.records)
                scopes[place].MergeFrom(copies)
            else:
                del scopes[place]
        return gone

    def drop(self) -> int:
        """Take all records away; returns how many went."""
        return self.keep(lambda _: False)

    def count(self) -> int:
        """Number of records."""
        return sum(len(getattr(scope, self._wire.records)) for scope in getattr(self.message, self._wire.scopes))


class Batch:
    """One request.

    Attributes:
        wire: Of its signal.
        message: The request.
        groups: Its records by resource.
    """

    __slots__ = ("groups", "message", "wire")

    def __init__(self, wire: Wire, message: Any, peer: str = "") -> None:  # noqa: ANN401 - one of three messages
        self.wire = wire
        self.message = message
        self.groups = [Group(wire, each, peer) for each in getattr(message, wire.groups)]

    @classmethod
    def decode(cls, signal: Signal, body: bytes, peer: str = "") -> Batch:
        """From protobuf.

        Raises:
            InputError: It is no request of this signal.
        """
        wire = WIRES[signal]
        try:
            return cls(wire, wire.request.FromString(body), peer)
        except DecodeError as error:
            raise InputError(f"no {wire.request.DESCRIPTOR.name}: the protobuf is malformed") from error

    @property
    def signal(self) -> Signal:
        """What it carries."""
        return self.wire.signal

    def alike(self) -> Iterable[list[Group]]:
        """The groups by what their resource is now: a Collector that batches, or spreads traces, repeats it."""
        known: dict[bytes, list[Group]] = {}
        for group in self.groups:
            known.setdefault(group.message.resource.SerializeToString(), []).append(group)
        return known.values()

    def encode(self) -> bytes:
        """As protobuf, without groups that have lost all records."""
        messages = getattr(self.message, self.wire.groups)
        for place in range(len(messages) - 1, -1, -1):
            if not getattr(messages[place], self.wire.scopes):
                del messages[place]
        data: bytes = self.message.SerializeToString()
        return data

    def count(self) -> int:
        """Number of records."""
        return sum(group.count() for group in self.groups)
