"""Looks at each accepted span once, for the service graph and for RED metrics.

Thirty thousand spans come in a second, so a span's fields are read only where they are needed: attributes of calls
that have no other end waiting and may go to a database, of INTERNAL spans nothing but the kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from brain_otel.batch import Batch
from brain_otel.enrich.kind import Context
from brain_otel.graph.calls import DATABASE as DATABASE_EDGE
from brain_otel.graph.calls import CallTable, End
from brain_otel.graph.config import ServiceGraphSettings
from brain_otel.graph.edges import EdgeLog, EdgeReport
from brain_otel.graph.exposition import GraphCollector
from brain_otel.graph.histogram import Moment
from brain_otel.graph.pairing import AT_DATABASE, MALFORMED, NO_SERVICE, UNPAIRED, VIRTUAL_NODE, Pairing
from brain_otel.graph.red import RedTable
from brain_otel.graph.spans import (
    CLIENT,
    CONSUMER,
    DATABASE,
    ERROR,
    GUESSED,
    INTERNAL,
    KINDS,
    OUTCOMES,
    SENDING,
    SERVER,
    SPAN_ID,
    TRACE_ID,
    UNSPECIFIED,
    Node,
    failed,
    guessed,
    node_of,
    peer,
    values,
)
from brain_otel.signals import Signal

_LINKS: Final = 128  # of a span that are followed, as many as SDKs send
_SWEEP_SECONDS: Final = 1.0


class SpanObserver:
    """The service graph and RED metrics.

    Args:
        settings: How.
        context: Its registry gets the metrics, its background the upkeep.
        edge_log: Who is told of edges every ``edge_seconds``; nobody when None.
    """

    def __init__(self, settings: ServiceGraphSettings, context: Context, edge_log: EdgeLog | None = None) -> None:
        self._settings = settings
        self._cluster = context.cluster
        self._clock = context.clock
        self._moment = Moment(context.clock.now())
        self._calls = CallTable(settings.buckets, settings.max_series, self._moment)
        self._red = RedTable(settings.buckets, settings.red.max_series, self._moment)
        self._pairing = Pairing(self._calls, settings.wait_seconds, settings.max_pending)
        self._internal = settings.red.enabled and settings.red.internal
        self._counted = [settings.red.enabled and (kind != INTERNAL or self._internal) for kind in range(len(KINDS))]
        self._peers = tuple(settings.peer_attributes)
        self._infer = settings.infer_failures
        self._of_clients = frozenset({*self._peers, *DATABASE, *(OUTCOMES if self._infer else ())})
        self._of_unknown = self._of_clients | GUESSED
        self._report = EdgeReport(self._calls, settings.buckets, settings.dimensions, self._moment.now)
        self._edge_log = edge_log
        self._senders: list[tuple[End, Any, dict[str, str | int] | None]] = []  # of the batch that is looked at
        self._next_edges = self._moment.now + settings.edge_seconds
        context.registry.register(
            GraphCollector(self._calls, self._red, self._pairing, settings.dimensions, self._moment)
        )
        context.background.append(("service graph", self._upkeep))

    def observe(self, batch: Batch) -> None:
        """Look at the spans of a batch; of other signals at nothing."""
        if batch.signal is not Signal.TRACES:
            return
        self._moment.now = self._clock.now()
        self._senders = []  # should the last batch have failed
        for alike in batch.alike():
            node = node_of(alike[0].resource, self._cluster, self._settings.dimensions)
            for group in alike:
                for scope in group.message.scope_spans:
                    self._spans(node, scope.spans)
        self._finish_senders()

    def sweep(self) -> None:
        """Settle ends that have waited long enough, forget old series, tell of edges when it is time."""
        now = self._moment.now = self._clock.now()
        self._pairing.expire(now)
        if now >= self._next_edges:
            self._next_edges = now + self._settings.edge_seconds
            self._tell(now)
            for table in (self._calls.series, self._red.series):
                table.expire(now - self._settings.series_expiry_seconds)

    async def _upkeep(self) -> None:
        try:
            while True:
                await asyncio.sleep(_SWEEP_SECONDS)
                self.sweep()
        finally:
            self._tell(self._clock.now())  # of what came since the last time: the process ends

    def _tell(self, now: float) -> None:
        if self._edge_log is not None:
            self._edge_log(self._report.news(now))

    def _spans(self, node: Node, spans: Sequence[Any]) -> None:
        internal = self._internal
        for span in spans:
            kind = span.kind
            if kind != INTERNAL or internal:
                self._span(node, span, kind if 0 <= kind <= CONSUMER else INTERNAL)

    def _span(self, node: Node, span: Any, kind: int) -> None:  # noqa: ANN401 - a Span
        trace_id, span_id = span.trace_id, span.span_id
        if len(trace_id) != TRACE_ID or len(span_id) != SPAN_ID:  # kept, they would take what memory the sender likes
            self._pairing.outcomes[MALFORMED] += 1
            return
        known: dict[str, str | int] | None = None
        if kind == UNSPECIFIED:
            known = values(span.attributes, self._of_unknown)
            kind = self._guess(span, node, known, trace_id)
        status = span.status.code
        if not 0 <= status <= ERROR:  # of a protocol yet to come
            status = 0
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        seconds = (end - start) / 1e9 if end > start else 0.0
        if self._counted[kind]:
            self._red.add((node, span.name, kind, status), seconds, trace_id, span_id)
        if kind == INTERNAL:
            return
        sends = kind in SENDING
        if known is None and self._infer:
            known = values(span.attributes, self._of_clients if sends else OUTCOMES)
        bad = status == ERROR or (self._infer and status == 0 and known is not None and failed(kind, known))
        own = End(node, kind, self._moment.now, seconds, bad, end if sends else start, trace_id, span_id)
        if not node.service:
            self._pairing.outcomes[NO_SERVICE] += 1
        elif sends:
            self._senders.append((own, span, known))
        else:
            self._receiver(own, span)

    def _guess(self, span: Any, node: Node, known: dict[str, str | int], trace_id: bytes) -> int:  # noqa: ANN401 - a Span
        kind = guessed(known, self._peers)
        if kind != INTERNAL:
            return kind
        parent = self._pairing.sender_of(trace_id + span.parent_span_id)
        return SERVER if parent is not None and parent.node != node else INTERNAL

    def _finish_senders(self) -> None:
        """When all receivers of the batch wait: most find theirs, and nobody need look at what they say of it."""
        senders, self._senders = self._senders, []
        for end, span, known in senders:
            if known is None and not self._pairing.awaits(end.trace_id + end.span_id):
                known = values(span.attributes, self._of_clients)
            self._sender(end, known or {})

    def _sender(self, end: End, known: dict[str, str | int]) -> None:
        end.peer = peer(known, self._peers)
        if end.kind == CLIENT and end.peer and not DATABASE.isdisjoint(known):
            self._calls.outgoing(end, DATABASE_EDGE)
            self._pairing.outcomes[AT_DATABASE] += 1
        else:
            self._pairing.sender(end.trace_id + end.span_id, end)

    def _receiver(self, end: End, span: Any) -> None:  # noqa: ANN401 - a Span
        outcomes = self._pairing.outcomes
        if end.kind == CONSUMER and (links := span.links):
            for link in links[:_LINKS]:
                if len(link.trace_id) != TRACE_ID or len(link.span_id) != SPAN_ID:
                    outcomes[MALFORMED] += 1
                    continue
                own = End(
                    end.node, CONSUMER, end.arrived, end.seconds, end.failed, end.at_ns, end.trace_id, end.span_id
                )
                self._pairing.receiver(link.trace_id + link.span_id, own)
        elif parent := span.parent_span_id:
            if len(parent) != SPAN_ID:
                outcomes[MALFORMED] += 1
                return
            self._pairing.receiver(end.trace_id + parent, end)
        elif end.kind == SERVER:
            self._calls.incoming(end)
            outcomes[VIRTUAL_NODE] += 1
        else:
            outcomes[UNPAIRED] += 1
