"""Reading and inflating the body of an HTTP request, with memory set aside for each piece as it comes.

So a sender that trickles holds as much as it has sent, and a bomb as much as it has inflated until the limit.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from brain_common.errors import InputError, TemporaryError
from brain_common.serving.body import SLOWEST_BODY
from brain_otel.wire.admission import Lease
from brain_otel.wire.refusal import MediaTypeError, TooLargeError

_STEP: Final = 256 * 1024  # bytes inflated at once
_GZIP: Final = 16 + zlib.MAX_WBITS
_TIMES: Final = 2  # a piece, and once more when they are joined


async def read_body(request: Request, limit: int, lease: Lease, moved: Callable[[int], None]) -> bytes:
    """The whole body, inflated.

    Args:
        request: The request.
        limit: Bytes, as sent and after inflation.
        lease: Grows with what is read, where it is too small.
        moved: Told how many bytes came.

    Raises:
        TooLargeError: It is longer.
        InputError: It is no gzip.
        TemporaryError: It did not come to its end, or there is no memory for it.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise MediaTypeError("content-encoding is neither gzip nor identity")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    inflater = _Inflater(limit, lease) if coding == "gzip" else _Joiner(limit, lease)
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            async for chunk in request.stream():
                moved(len(chunk))
                inflater.feed(chunk)
    except TimeoutError as error:
        raise TemporaryError(f"the body did not come within {SLOWEST_BODY:.0f} s") from error
    except ClientDisconnect as error:
        raise TemporaryError("the sender went away before the end of the body") from error
    return inflater.end()


def too_large(limit: int) -> TooLargeError:
    """What is said of a longer one."""
    return TooLargeError(f"the request has more than {limit} bytes, otlp.max_request_bytes")


class _Joiner:
    """Puts pieces together, of limited size."""

    def __init__(self, limit: int, lease: Lease) -> None:
        self._limit = limit
        self._lease = lease
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        if not chunk:
            return
        self._size += len(chunk)
        if self._size > self._limit:
            raise too_large(self._limit)
        if (missing := _TIMES * self._size - self._lease.size) > 0:
            self._lease.grow(missing)
        self._pieces.append(chunk)

    def end(self) -> bytes:
        """All of them."""
        return b"".join(self._pieces)


class _Inflater(_Joiner):
    """Inflates gzip of one or several members (RFC 1952)."""

    def __init__(self, limit: int, lease: Lease) -> None:
        super().__init__(limit, lease)
        self._sent = 0
        self._inflate = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes) -> None:
        """Take the next compressed piece."""
        self._sent += len(chunk)
        if self._sent > self._limit:
            raise too_large(self._limit)
        try:
            while chunk:
                chunk = self._step(chunk)
        except zlib.error as error:
            raise InputError("the body is no gzip") from error

    def _step(self, chunk: bytes) -> bytes:
        if self._inflate.eof:
            self._inflate = zlib.decompressobj(_GZIP)
        super().feed(self._inflate.decompress(chunk, _STEP))
        return self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail

    def end(self) -> bytes:
        """All of them."""
        if not self._inflate.eof:
            raise InputError("the gzip has no end")
        return super().end()
