"""Calls that are known from both ends, or from one where the other sends no spans: the series of each edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from brain_otel.graph.histogram import Histogram, Moment
from brain_otel.graph.spans import Node
from brain_otel.graph.table import SeriesTable

UNSET, MESSAGING, DATABASE, VIRTUAL = "", "messaging_system", "database", "virtual_node"
USER: Final = "user"
"""The client of a call that begins a trace, as the Collector calls it."""


class Edge(NamedTuple):
    """Labels of an edge.

    Attributes:
        client: Who calls.
        server: Who is called.
        connection: ``connection_type``.
        virtual: Which end sends no spans: ``client``, ``server`` or empty.
    """

    client: Node
    server: Node
    connection: str
    virtual: str


class Calls:
    """Counts of one edge.

    Attributes:
        failed: Calls that failed at either end.
        server: Seconds as the server saw them.
        client: Seconds as the client saw them.
        queue: Seconds between sending and receiving a message; None before the first.
        touched: When it last changed.
    """

    __slots__ = ("client", "failed", "queue", "server", "touched")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.failed = 0
        self.server = Histogram(bounds)
        self.client = Histogram(bounds)
        self.queue: Histogram | None = None
        self.touched = 0.0


class End:
    """One end of a call, as its span says.

    Attributes:
        node: Whose.
        kind: Of the span.
        arrived: When it was seen.
        seconds: How long it took.
        failed: Whether it did.
        at_ns: End of what sends, start of what receives: nanoseconds since the epoch.
        trace_id: Of the span.
        span_id: Of the span.
        peer: What the span calls its other end, which may send no spans itself.
        paired: Whether the other end was found; only what may have more than one is kept.
        also: Another end that waits for the same one.
    """

    __slots__ = (
        "also",
        "arrived",
        "at_ns",
        "failed",
        "kind",
        "node",
        "paired",
        "peer",
        "seconds",
        "span_id",
        "trace_id",
    )

    def __init__(
        self,
        node: Node,
        kind: int,
        arrived: float,
        seconds: float,
        failed: bool,
        at_ns: int,
        trace_id: bytes,
        span_id: bytes,
        peer: str = "",
    ) -> None:
        self.node = node
        self.kind = kind
        self.arrived = arrived
        self.seconds = seconds
        self.failed = failed
        self.at_ns = at_ns
        self.trace_id = trace_id
        self.span_id = span_id
        self.peer = peer
        self.paired = False
        self.also: End | None = None


class CallTable:
    """All edges.

    Args:
        bounds: Of histograms, in seconds.
        limit: Of edges.
        moment: Time and scrape.
    """

    def __init__(self, bounds: Sequence[float], limit: int, moment: Moment) -> None:
        self._bounds = tuple(bounds)
        self.series: SeriesTable[Edge, Calls] = SeriesTable(lambda: Calls(self._bounds), limit)
        self._moment = moment

    def both(self, sender: End, receiver: End, *, messaging: bool) -> None:
        """A call that is known from both ends."""
        edge = Edge(sender.node, receiver.node, MESSAGING if messaging else UNSET, "")
        calls = self._count(edge, failed=sender.failed or receiver.failed)
        calls.server.add(receiver.seconds, receiver.trace_id, receiver.span_id, self._moment)
        calls.client.add(sender.seconds, sender.trace_id, sender.span_id, self._moment)
        if messaging and receiver.at_ns > sender.at_ns:  # else the two clocks differ by more than the message took
            if calls.queue is None:
                calls.queue = Histogram(self._bounds)
            waited = (receiver.at_ns - sender.at_ns) / 1e9
            calls.queue.add(waited, receiver.trace_id, receiver.span_id, self._moment)

    def outgoing(self, end: End, connection: str) -> None:
        """A call to what sends no spans; its seconds are those of the client."""
        edge = Edge(end.node, _virtual(end, end.peer), connection, "" if connection == DATABASE else "server")
        self._one(self._count(edge, failed=end.failed), end)

    def incoming(self, end: End) -> None:
        """A call from what sends no spans."""
        edge = Edge(_virtual(end, USER), end.node, VIRTUAL, "client")
        self._one(self._count(edge, failed=end.failed), end)

    def _one(self, calls: Calls, end: End) -> None:
        calls.client = calls.server  # known from one side, so they are the same: counted once
        calls.server.add(end.seconds, end.trace_id, end.span_id, self._moment)

    def _count(self, edge: Edge, *, failed: bool) -> Calls:
        calls = self.series.get(edge)
        calls.touched = self._moment.now
        calls.failed += failed
        return calls


def _virtual(end: End, name: str) -> Node:
    return Node("", name, ("",) * len(end.node.dimensions))
