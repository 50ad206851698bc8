"""The load of the benches: numbered requests over OTLP/gRPC, sent again as a Collector would, all accounted for.

    python -m brain_lab.bench.otel.generator '{"address": "127.0.0.1:4317", "kind": "logs", …}' FILE

SIGTERM ends it early: what is under way is still seen through. FILE then has the account, a ``Sent`` as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
import msgspec

from brain_lab.bench.otel.requests import METHODS, PER_REQUEST, Kind, Template

_TIMEOUT: Final = 60.0  # seconds of one attempt
_PAUSE: Final = 0.1  # seconds until the next
_RETRYABLE: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_DETAILS: Final = "grpc-status-details-bin"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    Attributes:
        address: Of who takes it, host and port.
        kind: What.
        requests: How many, each of ``PER_REQUEST`` records.
        rate: Records a second; without, as fast as they are taken.
        in_flight: Requests under way at the same time, at the most.
        patience: Seconds that a request is sent again after refusals.
        first: Number of the first record.
    """

    address: str
    kind: Kind
    requests: int
    rate: float | None = None
    in_flight: int = 32
    patience: float = 60.0
    first: int = 0


class Request(msgspec.Struct, array_like=True):
    """One of them: its first record's number, when it was due and when it was accepted (``time.monotonic()``)."""

    first: int
    due: float
    accepted: float | None = None


class Sent(msgspec.Struct):
    """The account.

    Attributes:
        requests: Of each what became of it.
        answers: How often each status came, by its name; ``+RetryInfo`` added where it said when to come again.
    """

    requests: list[Request]
    answers: dict[str, int]


class Generator:
    """Carries out an order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._template = Template.of(order.kind)
        self._free = asyncio.Semaphore(order.in_flight)
        self._answers: Counter[str] = Counter()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Send nothing new."""
        self._stop.set()

    async def run(self) -> Sent:
        """Until all is answered."""
        order = self._order
        options = [("grpc.max_send_message_length", -1)]
        requests: list[Request] = []
        async with grpc.aio.insecure_channel(order.address, options=options) as channel, asyncio.TaskGroup() as tasks:
            call = channel.unary_unary(METHODS[order.kind])
            began = time.monotonic()
            for place in range(order.requests):
                due = began + place * PER_REQUEST / order.rate if order.rate else 0.0
                await self._turn(due)
                if self._stop.is_set():
                    break
                request = Request(order.first + place * PER_REQUEST, due or time.monotonic())
                requests.append(request)
                tasks.create_task(self._see_through(call, request))
        return Sent(requests, dict(self._answers))

    async def _turn(self, due: float) -> None:
        """Until it is due and there is room."""
        wait = due - time.monotonic()
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)
        await self._free.acquire()

    async def _see_through(self, call: grpc.aio.UnaryUnaryMultiCallable, request: Request) -> None:
        body = self._template.stamped(request.first)
        until = time.monotonic() + self._order.patience
        try:
            while request.accepted is None and time.monotonic() < until:
                if await self._accepted(call, body):
                    request.accepted = time.monotonic()
                else:
                    await asyncio.sleep(_PAUSE)
        except grpc.aio.AioRpcError:
            return
        finally:
            self._free.release()

    async def _accepted(self, call: grpc.aio.UnaryUnaryMultiCallable, body: bytes) -> bool:
        try:
            await call(body, timeout=_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            details = dict(error.trailing_metadata() or ()).get(_DETAILS, b"")
            said = "+RetryInfo" if b"google.rpc.RetryInfo" in bytes(details) else ""
            self._answers[f"{error.code().name}{said}"] += 1
            if error.code() not in _RETRYABLE:
                raise
            return False
        self._answers["OK"] += 1
        return True


async def _main(order: Order) -> Sent:
    generator = Generator(order)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, generator.stop)
    return await generator.run()


if __name__ == "__main__":
    account = asyncio.run(_main(msgspec.json.decode(sys.argv[1], type=Order)))
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(account))
