"""One export request, decoded: groups of records that share a resource.

A resource stands for a thousand records, so steps look at resources where they can: decoding, one attribute per
resource and encoding again are three times as fast as one attribute per record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from brain_common.errors import InputError
from brain_otel.attributes import Attributes
from brain_otel.pieces import Look, check_density, decode_in_pieces
from brain_otel.signals import WIRES, Signal, Wire

_GROUP: Final = 1200  # bytes of Python's objects for one group


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

    def merge_resource(self, encoded: bytes) -> None:
        """Add what an encoded ``Resource`` has; its attributes must be none that the resource has already."""
        self.message.resource.MergeFromString(encoded)
        self.resource.reread()

    def scopes(self) -> Any:  # noqa: ANN401 - protobuf's repeated field
        """Every ``ScopeSpans``, ``ScopeMetrics`` or ``ScopeLogs``; may be changed."""
        return getattr(self.message, self._wire.scopes)

    def records(self) -> Iterator[Any]:
        """Every ``Span``, ``Metric`` or ``LogRecord``."""
        for scope in self.scopes():
            yield from getattr(scope, self._wire.records)

    def keep(self, wanted: Callable[[Any], bool]) -> int:
        """Take away the records that are not wanted, and scopes that have none left; returns how many records went."""
        scopes, gone = self.scopes(), 0
        for place in range(len(scopes) - 1, -1, -1):
            records = getattr(scopes[place], self._wire.records)
            unwanted = [number for number, record in enumerate(records) if not wanted(record)]
            if len(unwanted) == len(records):
                del scopes[place]
            else:
                _take_away(records, unwanted)
            gone += len(unwanted)
        return gone

    def drop(self) -> int:
        """Take all records away; returns how many went."""
        gone = self.count()
        self.message.ClearField(self._wire.scopes)
        return gone

    def count(self) -> int:
        """Number of records."""
        return sum(len(getattr(scope, self._wire.records)) for scope in self.scopes())


def _take_away(records: Any, unwanted: Sequence[int]) -> None:  # noqa: ANN401 - protobuf's repeated field
    """Remove those at places in rising order, neighbours at once: each removal moves all that stand behind."""
    end = len(unwanted)
    while end:
        start = end - 1
        while start and unwanted[start - 1] == unwanted[start] - 1:
            start -= 1
        del records[unwanted[start] : unwanted[end - 1] + 1]
        end = start


class Batch:
    """One request.

    Attributes:
        wire: Of its signal.
        message: The request.
        groups: Its records by resource.
        encoded: The request as it was last encoded, for who looks at it after it was sent; empty before.
    """

    __slots__ = ("encoded", "groups", "message", "wire")

    def __init__(self, wire: Wire, message: Any, peer: str = "") -> None:  # noqa: ANN401 - one of three messages
        self.wire = wire
        self.message = message
        self.encoded = b""
        self.groups = [Group(wire, each, peer) for each in getattr(message, wire.groups)]

    @classmethod
    def decode(cls, signal: Signal, body: bytes, peer: str = "", look: Look = lambda _: None) -> Batch:
        """From protobuf.

        Args:
            signal: What it carries.
            body: The request.
            peer: Address of the sender, without port.
            look: Asked for the bytes that are needed, before they are taken; what it raises ends the decoding.

        Raises:
            InputError: It is no request of this signal, or consists of next to nothing, many times.
        """
        wire = WIRES[signal]
        try:
            message = decode_in_pieces(wire, body, look)
        except DecodeError as error:
            raise InputError(f"no {wire.request.DESCRIPTOR.name}: the protobuf is malformed") from error
        groups = len(getattr(message, wire.groups))
        check_density(groups, len(body))
        look(groups * _GROUP)
        return cls(wire, message, peer)

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
        self.encoded = self.message.SerializeToString()
        return self.encoded

    def count(self) -> int:
        """Number of records."""
        return sum(group.count() for group in self.groups)
