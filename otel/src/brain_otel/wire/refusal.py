"""What a sender is told when its request is not accepted: one table for gRPC and HTTP.

A stock Collector decides by the answer alone whether it keeps the data. It drops on UNKNOWN and INTERNAL, and on
RESOURCE_EXHAUSTED without ``RetryInfo``; it tries again on UNAVAILABLE, and on HTTP 429, 502, 503 and 504. So
whatever may go well later, our own mistakes included, is UNAVAILABLE with ``RetryInfo`` or 503 with ``Retry-After``;
whatever never will is said so that it is given up at once, as it would otherwise come back for hours.

https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from brain_common.errors import InputError, PermanentError, TemporaryError

_PAUSE: Final = 1.0  # seconds to wait where nobody knows better
_LONGEST_PAUSE: Final = 300.0  # seconds: a next hop that says more is asked again nevertheless
_LONGEST_MESSAGE: Final = 1024  # characters: answers travel in headers, which others limit

_log = logging.getLogger(__name__)


class CallerError(InputError):
    """The sender did not show who it is."""


class TooLargeError(InputError):
    """The request is larger than this processor ever takes."""


class MediaTypeError(InputError):
    """The body is in an encoding that is not read here."""


class OverloadError(TemporaryError):
    """There is no memory for the request now."""


class Outcome(StrEnum):
    """How a request ended; the values of the metric's label."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    UNAUTHENTICATED = "unauthenticated"
    OVERLOAD = "overload"
    NEXT_HOP_AWAY = "next_hop_away"
    NEXT_HOP_REFUSED = "next_hop_refused"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no.

    Attributes:
        outcome: For the metrics.
        code: Of gRPC.
        http: Status of HTTP.
        message: For people.
        retry_seconds: When to try again; None: never.
    """

    outcome: Outcome
    code: grpc.StatusCode
    http: int
    message: str
    retry_seconds: float | None = None

    @property
    def status(self) -> status_pb2.Status:
        """As ``google.rpc.Status``: the body over HTTP, ``grpc-status-details-bin`` over gRPC."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.retry_seconds is not None:
            delay = Duration()
            delay.FromNanoseconds(int(self.retry_seconds * 1e9))
            packed = any_pb2.Any()
            packed.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status.details.append(packed)
        return status

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP says beside the body."""
        if self.retry_seconds is not None:
            return {"retry-after": str(math.ceil(self.retry_seconds))}
        if self.outcome is Outcome.UNAUTHENTICATED:
            return {"www-authenticate": 'Bearer realm="otlp"'}
        return {}


_CODE: Final = grpc.StatusCode
_TABLE: Final = (  # the first that fits: kinds stand before their parents
    (CallerError, Outcome.UNAUTHENTICATED, _CODE.UNAUTHENTICATED, 401),
    (TooLargeError, Outcome.TOO_LARGE, _CODE.RESOURCE_EXHAUSTED, 413),  # as grpcio itself says of a long message
    (MediaTypeError, Outcome.MEDIA_TYPE, _CODE.INVALID_ARGUMENT, 415),
    (InputError, Outcome.MALFORMED, _CODE.INVALID_ARGUMENT, 400),
    (OverloadError, Outcome.OVERLOAD, _CODE.UNAVAILABLE, 503),
    (TemporaryError, Outcome.NEXT_HOP_AWAY, _CODE.UNAVAILABLE, 503),
    (PermanentError, Outcome.NEXT_HOP_REFUSED, _CODE.INVALID_ARGUMENT, 400),
)


class Refusals:
    """Makes refusals of errors; says each kind of our own mistakes once, for hostile data would fill the log."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def of(self, error: Exception) -> Refusal:
        """What the sender is told."""
        for kind, outcome, code, http in _TABLE:
            if isinstance(error, kind):
                return Refusal(outcome, code, http, str(error)[:_LONGEST_MESSAGE], _pause(error))
        return self._unforeseen(error)

    def _unforeseen(self, error: Exception) -> Refusal:
        name = type(error).__name__
        if name not in self._said:
            self._said.add(name)
            _log.error("a request failed by a mistake of ours; counted from now on", exc_info=error)
        message = f"the processor failed on the request: {name}"  # not its text, which may hold the data of others
        return Refusal(Outcome.FAILED, _CODE.UNAVAILABLE, 503, message, _PAUSE)


def _pause(error: Exception) -> float | None:
    if not isinstance(error, TemporaryError):
        return None
    return _PAUSE if error.retry_after is None else min(max(error.retry_after, 0.0), _LONGEST_PAUSE)
