"""What both listeners do with a request alike: who sends, what it is told, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from brain_common.serving.auth import Authenticator
from brain_otel.pipeline import Pipeline
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.admission import Budget
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.refusal import CallerError, Outcome, Refusal, Refusals
from brain_otel.wire.turns import Turns


@dataclass(frozen=True, slots=True)
class Receiver:
    """The parts that listeners share.

    Attributes:
        pipeline: Takes requests.
        authenticator: Tells senders apart.
        budget: Memory.
        turns: To read what may be long.
        metrics: Where requests are counted.
        refusals: What is said to those that are not accepted.
        limit: Bytes of the largest request.
        converting: Held while JSON is converted.
    """

    pipeline: Pipeline
    authenticator: Authenticator
    budget: Budget
    turns: Turns
    metrics: WireMetrics
    refusals: Refusals
    limit: int
    converting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def identify(self, authorization: Sequence[str]) -> None:
        """Let nobody pass who is unknown; before a byte of the body is read.

        Raises:
            CallerError: It is.
        """
        if not self.authenticator.required:
            return
        # A password takes 0.1 s of CPU; a token is not worth the change of threads.
        basic = len(authorization) == 1 and authorization[0][:6].lower() == "basic "
        identify = self.authenticator.identify
        name = await asyncio.to_thread(identify, authorization) if basic else identify(authorization)
        if name is None:
            raise CallerError("unknown sender: show a bearer token or basic auth that otlp.callers has")

    async def answer(self, signal: Signal, transport: str, accept: Callable[[], Awaitable[bytes]]) -> bytes | Refusal:
        """What ``accept`` returns, or the refusal of what it raised; counted."""
        try:
            answer = await accept()
        except asyncio.CancelledError:
            self.metrics.answered(signal, transport, Outcome.GONE)
            raise
        except Exception as error:  # noqa: BLE001 - senders drop their data on what nobody foresaw, unless told not to
            refusal = self.refusals.of(error)
            self.metrics.answered(signal, transport, refusal.outcome)
            return refusal
        self.metrics.answered(signal, transport, _outcome(signal, answer))
        return answer


def _outcome(signal: Signal, answer: bytes) -> Outcome:
    if not answer:  # as good as always
        return Outcome.ACCEPTED
    wire = WIRES[signal]
    partial = getattr(wire.response.FromString(answer).partial_success, wire.rejected)
    return Outcome.PARTIAL if partial else Outcome.ACCEPTED
