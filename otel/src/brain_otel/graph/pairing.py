"""Finds the two ends of each call: a span and its parent in another span of the trace, or what a link names.

Ends wait for each other for a while, so many at most; the oldest goes first. A producer goes on waiting once it was
paired, since many may consume what it sent; where two servers name the same client span, one call was made.
Which end comes first makes no difference, but for spans that do not say their kind: of those, a server is
recognised by a parent that came before it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from brain_otel.graph.calls import MESSAGING, VIRTUAL, CallTable, End
from brain_otel.graph.spans import CONSUMER, PRODUCER

PAIRED, UNPAIRED, DROPPED, DUPLICATE = "paired", "unpaired", "dropped", "duplicate"
VIRTUAL_NODE, AT_DATABASE, NO_SERVICE, MALFORMED = "virtual_node", "database", "no_service", "malformed"


class Pairing:
    """Ends that wait.

    Args:
        calls: Told of calls.
        wait_seconds: How long an end waits.
        limit: How many wait at most.

    Attributes:
        outcomes: What became of each end.
    """

    def __init__(self, calls: CallTable, wait_seconds: float, limit: int) -> None:
        self._calls = calls
        self._wait = wait_seconds
        self._limit = limit
        self._senders: OrderedDict[bytes, End] = OrderedDict()
        self._receivers: OrderedDict[bytes, End] = OrderedDict()
        self._waiting = 0
        self.outcomes: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._waiting

    def sender_of(self, key: bytes) -> End | None:
        """A client or producer that waits: the trace's id and its span's."""
        return self._senders.get(key)

    def awaits(self, key: bytes) -> bool:
        """Whether a server or consumer waits for this sender."""
        return key in self._receivers

    def sender(self, key: bytes, end: End) -> None:
        """A client or producer."""
        if key in self._senders:
            self.outcomes[DUPLICATE] += 1
            return
        receiver = self._receivers.get(key)
        if receiver is None:
            self._keep(self._senders, key, end)
        elif end.kind == PRODUCER:
            while receiver is not None:
                self._pair(end, receiver)
                self._waiting -= 1
                receiver = receiver.also
            del self._receivers[key]
            self._keep(self._senders, key, end)
        else:
            self._waiting -= 1
            self._pair(end, receiver)
            if receiver.also is None:
                del self._receivers[key]
            else:
                self._receivers[key] = receiver.also
                self._receivers.move_to_end(key)  # it came later than what is behind its place

    def receiver(self, key: bytes, end: End) -> None:
        """A server or consumer; the key is its parent's."""
        sender = self._senders.get(key)
        if sender is None:
            oldest = self._receivers.get(key)
            if oldest is not None:  # goes on deciding when to look at all of them
                end.also, oldest.also = oldest.also, end
                end = oldest
            self._keep(self._receivers, key, end)
            return
        self._pair(sender, end)
        if sender.kind != PRODUCER:
            del self._senders[key]
            self._waiting -= 1

    def expire(self, now: float) -> None:
        """Settle what has waited long enough."""
        before = now - self._wait
        for ends in (self._senders, self._receivers):
            while ends and next(iter(ends.values())).arrived <= before:
                key, end = ends.popitem(last=False)
                if (younger := self._settle(end, before)) is not None:
                    ends[key] = younger

    def _keep(self, ends: OrderedDict[bytes, End], key: bytes, end: End) -> None:
        ends[key] = end
        self._waiting += 1
        while self._waiting > self._limit:
            self._drop_oldest()

    def _pair(self, sender: End, receiver: End) -> None:
        self.outcomes[PAIRED] += 1 if sender.paired else 2
        sender.paired = True
        messaging = sender.kind == PRODUCER or receiver.kind == CONSUMER
        self._calls.both(sender, receiver, messaging=messaging)

    def _settle(self, end: End | None, before: float) -> End | None:
        """Those of one key that came until then; returns the others."""
        younger = None
        while end is not None:
            following = end.also
            if end.arrived > before:
                end.also, younger, end = younger, end, following
                continue
            self._waiting -= 1
            if end.peer and not end.paired:
                self._calls.outgoing(end, MESSAGING if end.kind == PRODUCER else VIRTUAL)
                self.outcomes[VIRTUAL_NODE] += 1
            elif not end.paired:
                self.outcomes[UNPAIRED] += 1
            end = following
        return younger

    def _drop_oldest(self) -> None:
        heads = [(next(iter(ends.values())).arrived, ends) for ends in (self._senders, self._receivers) if ends]
        _, ends = min(heads, key=lambda head: head[0])
        end: End | None = ends.popitem(last=False)[1]
        while end is not None:
            self._waiting -= 1
            self.outcomes[DROPPED] += not end.paired
            end = end.also
