"""OTLP/HTTP: protobuf and JSON, answered in the encoding of the request.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from brain_otel.signals import WIRES, Signal
from brain_otel.wire.admission import Lease
from brain_otel.wire.body import read_body
from brain_otel.wire.json_body import TIMES, protobuf_of
from brain_otel.wire.receiver import Receiver
from brain_otel.wire.refusal import MediaTypeError, Refusal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"


def otlp_app(receiver: Receiver) -> Starlette:
    """What answers on the port."""
    return Starlette(
        routes=[Route(wire.path, _export(receiver, signal), methods=["POST"]) for signal, wire in WIRES.items()]
    )


def _export(receiver: Receiver, signal: Signal) -> Callable[[Request], Awaitable[Response]]:
    async def export(request: Request) -> Response:
        encoding = request.headers.get("content-type", "").partition(";")[0].strip().lower()

        async def accept() -> bytes:
            await receiver.identify(request.headers.getlist("authorization"))
            if encoding not in (PROTOBUF, JSON):
                raise MediaTypeError(f"content-type is neither {PROTOBUF} nor {JSON}")
            peer = request.client.host if request.client else ""
            lease = await receiver.budget.take(0)
            body = await _body(receiver, signal, request, encoding, lease)
            return await receiver.pipeline.export(signal, body, peer, lease)

        answer = await receiver.answer(signal, "http", accept)
        return _refused(answer, encoding) if isinstance(answer, Refusal) else _accepted(signal, answer, encoding)

    return export


async def _body(receiver: Receiver, signal: Signal, request: Request, encoding: str, lease: Lease) -> bytes:
    """As protobuf; the lease is released when there is none to be had."""
    try:
        body = await read_body(request, receiver.limit, lease)
        receiver.metrics.received(signal, "http", len(body))
        if encoding == JSON:
            lease.grow(TIMES * len(body))
            body = protobuf_of(signal, body)
        lease.shrink(len(body))
    except BaseException:
        lease.release()
        raise
    return body


def _accepted(signal: Signal, answer: bytes, encoding: str) -> Response:
    if encoding == PROTOBUF:
        return Response(answer, media_type=PROTOBUF)
    return _said(WIRES[signal].response.FromString(answer), encoding)


def _refused(refusal: Refusal, encoding: str) -> Response:
    response = _said(refusal.status, encoding, refusal.http)
    response.headers.update(refusal.headers)
    return response


def _said(message: Any, encoding: str, status: int = 200) -> Response:  # noqa: ANN401 - a message
    if encoding == JSON:
        return Response(json_format.MessageToJson(message, indent=None), status, media_type=JSON)
    return Response(message.SerializeToString(), status, media_type=PROTOBUF)
