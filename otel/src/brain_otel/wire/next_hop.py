"""The next hop over OTLP/gRPC: bytes in, bytes out, its refusals as errors of the product."""

from __future__ import annotations

from typing import Final, Protocol

import grpc
import grpc.aio

from brain_common.errors import PermanentError, TemporaryError
from brain_otel.config import NextHopSettings
from brain_otel.signals import WIRES, Signal

_PERMANENT: Final = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED})


class NextHop(Protocol):
    """Who accepts enriched requests."""

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """The answer, as protobuf.

        Raises:
            TemporaryError: It cannot take the request now; with its hint when to try again.
            PermanentError: It never will.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...


class GrpcNextHop:
    """One channel; to be made in the event loop that uses it."""

    def __init__(self, settings: NextHopSettings) -> None:
        self._timeout = settings.timeout_seconds
        endpoint = settings.endpoint
        self._name = f"{endpoint.host}:{endpoint.port}"
        self._channel = grpc.aio.insecure_channel(
            self._name, options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        )
        self._calls = {signal: self._channel.unary_unary(wire.method) for signal, wire in WIRES.items()}

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """One attempt: trying again is the sender's business, who still has the data."""
        try:
            answer: bytes = await self._calls[signal](body, timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            text = f"next hop {self._name}: {error.code().name}: {error.details()}"
            raise (PermanentError if error.code() in _PERMANENT else TemporaryError)(text) from error
        return answer

    async def close(self) -> None:
        """Give up the connection."""
        await self._channel.close()
