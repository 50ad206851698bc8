"""One request from its bytes to the answer of the next hop: decode, enrich, encode, send; then observe.

The sender is answered only when the next hop has accepted: what it was told is accepted is no longer ours to lose.
There is no queue; a sender whose request is refused keeps it and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from brain_otel.batch import Batch
from brain_otel.observe import Observer
from brain_otel.pieces import LARGEST_PIECE
from brain_otel.signals import Signal
from brain_otel.steps import Steps
from brain_otel.wire.admission import Budget, Lease
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.next_hop import NextHop

_TIMES: Final = 5  # its size that a request of the usual kind takes: decoded 3.4, encoded, and once more inside gRPC
_LEAST: Final = 64 * 1024  # bytes that any request takes

_log = logging.getLogger(__name__)


class Pipeline:
    """What both listeners hand requests to.

    Args:
        steps: Enrichment.
        next_hop: Who accepts.
        observers: Who is told of what was accepted.
        budget: Memory for requests.
        metrics: Where they are counted.
    """

    def __init__(
        self,
        steps: Steps,
        next_hop: NextHop,
        observers: Sequence[Observer],
        budget: Budget,
        metrics: WireMetrics,
    ) -> None:
        self._steps = steps
        self._next_hop = next_hop
        self._observers = tuple(observers)
        self._budget = budget
        self._metrics = metrics

    async def export(self, signal: Signal, body: bytes, peer: str, lease: Lease) -> bytes:
        """The next hop's answer to the enriched request, as protobuf; a ``partial_success`` passes through.

        Where steps have taken all records away, nothing is sent, and the answer is full success: they are where the
        configuration wants them.

        Args:
            signal: What the request carries.
            body: The request as protobuf.
            peer: Address of the sender, without port.
            lease: Memory set aside for the body; given back when everybody is done with it.

        Raises:
            InputError: The request is malformed, or larger than can be.
            TemporaryError: There is no memory for it, or the next hop cannot take it now.
            PermanentError: The next hop never will.
        """
        try:
            await lease.reach(len(body) * _TIMES + _LEAST)
            size, batch = len(body), Batch.decode(signal, body, peer, self._budget.check)
            del body
            self._metrics.decoded(signal, batch.count())
            self._steps.enrich(batch)
            if not batch.count():
                lease.release()
                return bytes(batch.wire.response().SerializeToString())
            if size > LARGEST_PIECE:
                self._budget.check(2 * size)
            with self._metrics.asking(signal):
                answer = await self._next_hop.send(signal, batch.encode())
        except BaseException:
            lease.release()
            raise
        asyncio.get_running_loop().call_soon(self._observe, batch, lease)
        return answer

    def _observe(self, batch: Batch, lease: Lease) -> None:
        for observer in self._observers:
            try:
                observer.observe(batch)
            except Exception:  # noqa: BLE001 - the sender has its answer, and the next observer its turn
                _log.exception("%s failed", type(observer).__name__)
        lease.release()
