"""The next hop over OTLP/HTTP, as protobuf."""

from __future__ import annotations

import gzip
from typing import Final

import httpx
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from brain_otel.client_tls import client_context
from brain_otel.config import NextHopSettings
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.next_hop import Verdicts, checked

_CONNECTIONS: Final = 32
_FAST: Final = 1  # level of gzip: a link inside a data centre is faster than the next levels
_LARGEST_ANSWER: Final = 4 << 20  # bytes

# https://opentelemetry.io/docs/specs/otlp/#failures-1 and google.rpc.Code's own mapping to HTTP
_CODES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    429: "UNAVAILABLE",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}
# By the hundred; a redirection is not followed: the next hop is elsewhere.
_OTHERS: Final = {3: "UNIMPLEMENTED", 5: "UNAVAILABLE"}


class HttpNextHop:
    """One pool of connections.

    Raises:
        ConfigError: A TLS file cannot be used.
    """

    def __init__(self, settings: NextHopSettings, metrics: WireMetrics) -> None:
        self._gzip = settings.compression == "gzip"
        self._verdicts = Verdicts(settings.address, metrics)
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        headers["content-type"] = "application/x-protobuf"
        if self._gzip:
            headers["content-encoding"] = "gzip"
        self._client = httpx.AsyncClient(
            base_url=str(settings.endpoint),
            headers=headers,
            timeout=settings.timeout_seconds,
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            verify=client_context(settings.tls, "next_hop.tls") if settings.encrypted else False,
            trust_env=False,
        )

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """See ``NextHop``."""
        data = gzip.compress(body, _FAST) if self._gzip else body
        try:
            async with self._client.stream("POST", WIRES[signal].path.lstrip("/"), content=data) as response:
                answer = await _read(response)
        except httpx.TimeoutException as error:
            raise self._verdicts.error(signal, "DEADLINE_EXCEEDED", type(error).__name__, None) from error
        except httpx.HTTPError as error:
            raise self._verdicts.error(signal, "UNAVAILABLE", str(error) or type(error).__name__, None) from error
        if response.status_code != 200:
            raise self._refused(signal, response, answer)
        self._verdicts.accepted(signal)
        return checked(signal, answer)

    async def close(self) -> None:
        """See ``NextHop``."""
        await self._client.aclose()

    def _refused(self, signal: Signal, response: httpx.Response, answer: bytes) -> Exception:
        status = response.status_code
        code = _CODES.get(status) or _OTHERS.get(status // 100, "INVALID_ARGUMENT")
        text = response.headers.get("retry-after", "")
        hint = float(text) if text.isdecimal() else None
        return self._verdicts.error(signal, code, f"HTTP {status} {_words(answer)}".strip(), hint)


async def _read(response: httpx.Response) -> bytes:
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > _LARGEST_ANSWER:
            return b""
    return data


def _words(answer: bytes) -> str:
    try:
        return str(status_pb2.Status.FromString(answer).message)
    except DecodeError:
        return ""
