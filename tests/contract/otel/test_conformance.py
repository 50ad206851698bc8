"""What a sender is told: every signal, transport, encoding and compression, with every kind of request."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from google.protobuf import json_format

from brain_otel.signals import WIRES, Signal
from tests.contract.otel.conftest import LIMIT, Processor, Said, processor, request

pytestmark = pytest.mark.anyio

WAYS = ["grpc", "x-protobuf", "json"]
KINDS = ["empty", "good", "partial", "malformed", "oversize before inflation", "oversize after inflation"]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop, and one processor, for all cases."""
    return "asyncio"


@pytest.fixture(scope="module")
async def one() -> AsyncIterator[Processor]:
    async with processor() as brain:
        yield brain


@pytest.fixture
def brain(one: Processor) -> Processor:
    one.next_hop.got.clear()
    one.next_hop.answer = b""
    return one


async def send(brain: Processor, way: str, signal: Signal, body: bytes, compression: str) -> Said:
    if way == "grpc":
        return await brain.grpc(signal, body, compression)
    return await brain.post(signal, body, compression, way)


def encoded(way: str, signal: Signal, records: int, text: str = "cart") -> bytes:
    message = request(signal, records, text) if records else WIRES[signal].request()
    return json_format.MessageToJson(message).encode() if way == "json" else bytes(message.SerializeToString())


def body_of(kind: str, way: str, signal: Signal) -> bytes:
    if kind == "malformed":
        return b'{"resource' if way == "json" else b"\x0a\xff\xff"
    if kind == "oversize before inflation":
        import random

        return random.Random(1).randbytes(LIMIT + 1000)  # gzip does not make it smaller
    if kind == "oversize after inflation":
        return encoded(way, signal, 1, "x" * LIMIT)
    return encoded(way, signal, 0 if kind == "empty" else 3)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_request(brain: Processor, way: str, kind: str, compression: str, signal: Signal) -> None:
    wire = WIRES[signal]
    partial = wire.response()
    if kind == "partial":
        setattr(partial.partial_success, wire.rejected, 2)
        partial.partial_success.error_message = "two are too old"
        brain.next_hop.answer = partial.SerializeToString()
    said = await send(brain, way, signal, body_of(kind, way, signal), compression)
    assert said.retry_seconds is None
    if kind in ("empty", "good", "partial"):
        assert said.code == "OK"
        assert said.body == partial
        assert said.body.HasField("partial_success") == (kind == "partial")
        assert brain.next_hop.got == ([] if kind == "empty" else [(signal, request(signal, 3))])
    elif kind == "malformed":
        assert (said.code, said.http) == ("INVALID_ARGUMENT", 0 if way == "grpc" else 400)
    else:
        assert (said.code, said.http) == ("RESOURCE_EXHAUSTED", 0 if way == "grpc" else 413)
    if said.code != "OK":
        assert brain.next_hop.got == []
    brain.next_hop.answer = b""
    assert (await send(brain, way, signal, encoded(way, signal, 1), "none")).code == "OK"
