"""One request from its bytes to the answer of the next hop: decode, enrich, encode, send; then observe.

The sender is answered only when the next hop has accepted: what it was told is accepted is no longer ours to lose.
There is no queue; a sender whose request is refused keeps it and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from brain_otel.batch import Batch
from brain_otel.observe import Observer
from brain_otel.signals import Signal
from brain_otel.steps import Steps
from brain_otel.wire.next_hop import NextHop

_log = logging.getLogger(__name__)


class Pipeline:
    """What both listeners hand requests to.

    Args:
        steps: Enrichment.
        next_hop: Who accepts.
        observers: Who is told of what was accepted.
    """

    def __init__(self, steps: Steps, next_hop: NextHop, observers: Sequence[Observer]) -> None:
        self._steps = steps
        self._next_hop = next_hop
        self._observers = tuple(observers)

    async def export(self, signal: Signal, body: bytes, peer: str) -> bytes:
        """The next hop's answer to the enriched request, as protobuf; a ``partial_success`` passes through.

        Where steps have taken all records away, nothing is sent, and the answer is full success: they are where the
        configuration wants them.

        Args:
            signal: What the request carries.
            body: The request as protobuf.
            peer: Address of the sender, without port.

        Raises:
            InputError: The request is malformed.
            TemporaryError: The next hop cannot take it now.
            PermanentError: The next hop never will.
        """
        batch = Batch.decode(signal, body, peer)
        self._steps.enrich(batch)
        if not batch.count():
            return bytes(batch.wire.response().SerializeToString())
        answer = await self._next_hop.send(signal, batch.encode())
        asyncio.get_running_loop().call_soon(self._observe, batch)
        return answer

    def _observe(self, batch: Batch) -> None:
        for observer in self._observers:
            try:
                observer.observe(batch)
            except Exception:  # noqa: BLE001 - the sender has its answer, and the next observer its turn
                _log.exception("%s failed", type(observer).__name__)
