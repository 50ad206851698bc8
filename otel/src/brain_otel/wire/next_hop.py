"""The next hop: who accepts enriched requests, and what its refusals mean for the sender.

There is no queue here, so every answer of the next hop becomes one to the sender, who still has the data:

- What the OTLP specification calls retryable is temporary, with the next hop's hint when to come back.
  RESOURCE_EXHAUSTED is so only with ``RetryInfo``.
- UNKNOWN and INTERNAL are temporary as well: they tell of trouble on the other side, not of bad data.
- UNAUTHENTICATED and PERMISSION_DENIED are about the credential of this processor. No sender can mend it and none has
  done wrong, so they keep their data until somebody has; log and metrics say so.
- Everything else is about the request, and will not become better: permanent, with the next hop's words.

https://opentelemetry.io/docs/specs/otlp/#failures
"""

from __future__ import annotations

import logging
from typing import Final, Protocol

from google.protobuf.message import DecodeError

from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.metrics import WireMetrics

RETRYABLE: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "OUT_OF_RANGE", "DATA_LOSS"})
TROUBLE: Final = frozenset({"UNKNOWN", "INTERNAL"})
OURS: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})

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
    """Makes errors of the next hop's refusals, and counts them.

    Args:
        name: Of the next hop, for messages.
        metrics: Where they are counted.
    """

    def __init__(self, name: str, metrics: WireMetrics) -> None:
        self._name = name
        self._metrics = metrics
        self._said: set[str] = set()

    def error(self, code: str, words: str, retry_after: float | None) -> BrainError:
        """What is to be raised.

        Args:
            code: Name of a gRPC status.
            words: The next hop's.
            retry_after: Its hint in seconds, if it gave one.
        """
        self._metrics.not_accepted(code)
        text = f"next hop {self._name}: {code}: {words}"
        if code in OURS and code not in self._said:
            self._said.add(code)
            _log.error("%s; next_hop.headers or next_hop.tls are not what it wants. Senders keep their data.", text)
        hinted = code == "RESOURCE_EXHAUSTED" and retry_after is not None
        if hinted or code in RETRYABLE | TROUBLE | OURS:
            return TemporaryError(text, retry_after)
        return PermanentError(text)

    def accepted(self) -> None:
        """What was wrong is mended, and said again when it comes back."""
        self._said.clear()
