"""OTLP/HTTP: protobuf and JSON, answered in the encoding of the request.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import asyncio
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
_LONG: Final = 1 << 20  # bytes


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
            bodies, lease = await _body(receiver, signal, request, encoding)
            # Popped, so that nobody holds the body while the answer is awaited.
            return await receiver.pipeline.export(signal, bodies.pop(), peer, lease)

        answer = await receiver.answer(signal, "http", accept)
        return _refused(answer, encoding) if isinstance(answer, Refusal) else _accepted(signal, answer, encoding)

    return export


async def _body(receiver: Receiver, signal: Signal, request: Request, encoding: str) -> tuple[list[bytes], Lease]:
    """The one body, as protobuf, with memory set aside for it."""
    body, lease = await _read(receiver, request)
    try:
        receiver.metrics.received(signal, "http", len(body))
        lease.shrink(len(body))
        if encoding == JSON:
            lease.grow(TIMES * len(body))
            async with receiver.converting:  # one at a time, beside the event loop: a megabyte takes a second
                body = await asyncio.to_thread(protobuf_of, signal, body)
            lease.shrink(len(body))
    except BaseException:
        lease.release()
        raise
    return [body], lease


async def _read(receiver: Receiver, request: Request) -> tuple[bytes, Lease]:
    """In a turn where it is long: many that grow at once would all come to nothing."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and _LONG < int(declared) <= receiver.limit and request.client:
        async with receiver.turns.turn(f"{request.client.host} {request.client.port}") as reader:
            return await read_body(request, receiver.limit, reader.lease, reader.moved), reader.lease
    lease = await receiver.budget.take(0)
    try:
        return await read_body(request, receiver.limit, lease, lambda _: None), lease
    except BaseException:
        lease.release()
        raise


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
