"""The next hop over OTLP/gRPC: bytes in, bytes out."""

from __future__ import annotations

from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from brain_common.errors import ConfigError
from brain_otel.config import ClientTlsSettings, NextHopSettings
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.next_hop import Verdicts, checked

_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", 4 << 20),  # of answers, which are short
    ("grpc.initial_reconnect_backoff_ms", 250),  # senders are waiting: a next hop that is back is found at once
    ("grpc.min_reconnect_backoff_ms", 2000),  # which is how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcNextHop:
    """One channel; to be made in the event loop that uses it.

    Raises:
        ConfigError: A TLS file cannot be read.
    """

    def __init__(self, settings: NextHopSettings, metrics: WireMetrics) -> None:
        self._timeout = settings.timeout_seconds
        self._verdicts = Verdicts(settings.address, metrics)
        self._channel = _channel(settings)
        self._calls = {signal: self._channel.unary_unary(wire.method) for signal, wire in WIRES.items()}
        self._metadata = tuple((name.lower(), value.get_secret_value()) for name, value in settings.headers.items())

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """See ``NextHop``."""
        try:
            answer: bytes = await self._calls[signal](body, timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            words = (error.details() or "").split("\n", 1)[0]
            raise self._verdicts.error(signal, error.code().name, words, _hint(error)) from error
        self._verdicts.accepted(signal)
        return checked(signal, answer)

    async def close(self) -> None:
        """See ``NextHop``."""
        await self._channel.close()


def _channel(settings: NextHopSettings) -> Any:  # noqa: ANN401 - grpc has no types
    compression = grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression
    options = {"options": _OPTIONS, "compression": compression}
    if not settings.encrypted:
        return grpc.aio.insecure_channel(settings.address, **options)
    return grpc.aio.secure_channel(settings.address, channel_credentials(settings.tls), **options)


def channel_credentials(tls: ClientTlsSettings) -> Any:  # noqa: ANN401 - grpc has no types
    """For a channel.

    Raises:
        ConfigError: A file cannot be read.
    """
    parts: list[bytes | None] = []
    for name in ("ca_file", "key_file", "cert_file"):
        path = getattr(tls, name)
        try:
            parts.append(path.read_bytes() if path else None)
        except OSError as error:
            raise ConfigError(f"next_hop.tls.{name}: {path} cannot be read: {error.strerror}") from error
    return grpc.ssl_channel_credentials(*parts)


def _hint(error: grpc.aio.AioRpcError) -> float | None:
    """``RetryInfo`` of the details, in seconds."""
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    try:
        status = status_pb2.Status.FromString(packed)
        for detail in status.details:
            found = error_details_pb2.RetryInfo()
            if detail.Unpack(found):
                return float(found.retry_delay.ToNanoseconds()) / 1e9
    except DecodeError:
        pass
    return None
