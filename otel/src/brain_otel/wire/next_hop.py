"""The next hop: who accepts enriched requests, and what its refusals mean for the sender.

There is no queue here, so every answer of the next hop becomes one to the sender, who still has the data:

- What the OTLP specification calls retryable is temporary, with the next hop's hint when to come back.
  RESOURCE_EXHAUSTED is so only with ``RetryInfo``.
- UNKNOWN and INTERNAL are temporary as well: they tell of trouble on the other side, not of bad data.
- UNAUTHENTICATED and PERMISSION_DENIED are about the credential of this processor, UNIMPLEMENTED about where it was
  told to send. No sender can mend that and none has done wrong, so they keep their data until somebody has.
- Everything else is about the request, and will not become better: permanent, with the next hop's words.

What is temporary is logged when it begins and when it is over, for each signal, and not more often than once a minute.

https://opentelemetry.io/docs/specs/otlp/#failures
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from google.protobuf.message import DecodeError

from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.metrics import WireMetrics

RETRYABLE: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "OUT_OF_RANGE", "DATA_LOSS"})
TROUBLE: Final = frozenset({"UNKNOWN", "INTERNAL"})
OURS: Final = {
    "UNAUTHENTICATED": "next_hop.headers or next_hop.tls are not what it wants",
    "PERMISSION_DENIED": "next_hop.headers or next_hop.tls are not what it wants",
    "UNIMPLEMENTED": "next_hop.endpoint or next_hop.protocol is wrong, or it has no pipeline for this signal",
}
_QUIET: Final = 60.0  # seconds

_log = logging.getLogger(__name__)


class NextHop(Protocol):
    """Who accepts enriched requests."""

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """The answer, as protobuf. One attempt: trying again is the sender's business.

        Raises:
            TemporaryError: It cannot take the request now; with its hint when to try again.
            PermanentError: It never will.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...


def checked(signal: Signal, answer: bytes) -> bytes:
    """The answer of who has accepted; one that cannot be read says no more than that."""
    try:
        WIRES[signal].response.FromString(answer)
    except DecodeError:
        return b""
    return answer


class Verdicts:
    """Makes errors of the next hop's refusals, counts them, and says when they begin and end.

    Args:
        name: Of the next hop, for messages.
        metrics: Where they are counted.
        now: Monotonic seconds.
    """

    def __init__(self, name: str, metrics: WireMetrics, now: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._metrics = metrics
        self._now = now
        self._troubled: set[Signal] = set()
        self._quiet_until: dict[tuple[Signal, str], float] = {}

    def error(self, signal: Signal, code: str, words: str, retry_after: float | None) -> BrainError:
        """What is to be raised.

        Args:
            signal: What was sent.
            code: Name of a gRPC status.
            words: The next hop's.
            retry_after: Its hint in seconds, if it gave one.
        """
        self._metrics.not_accepted(code)
        text = f"next hop {self._name}: {code}: {words}"
        hinted = code == "RESOURCE_EXHAUSTED" and retry_after is not None
        if hinted or code in RETRYABLE or code in TROUBLE or code in OURS:
            self._say(signal, code, text)
            return TemporaryError(text, retry_after)
        return PermanentError(text)

    def accepted(self, signal: Signal) -> None:
        """What was wrong is mended."""
        if signal in self._troubled:
            self._troubled.discard(signal)
            _log.info("next hop %s: takes %s again", self._name, signal)

    def _say(self, signal: Signal, code: str, text: str) -> None:
        now = self._now()
        if now < self._quiet_until.get((signal, code), now):
            return
        self._quiet_until[signal, code] = now + _QUIET
        self._troubled.add(signal)
        why = f"; {OURS[code]}" if code in OURS else ""
        _log.log(logging.ERROR if why else logging.WARNING, "%s: %s%s. Senders keep their data.", signal, text, why)
