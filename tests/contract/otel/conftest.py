"""The processor on real ports between a client and a next hop of the tests."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.service import Running, running
from brain_otel.signals import WIRES, Signal
from tests.fakes.otlp_next_hop import OtlpNextHop, otlp_next_hop

PATIENCE = 10.0  # seconds that anything on loopback may take on a busy machine
LIMIT = 64 * 1024  # bytes of the largest request
MIB = 1 << 20


@dataclass(frozen=True)
class Said:
    """An answer over either transport: the status by its gRPC name."""

    code: str
    message: str
    retry_seconds: float | None
    body: Any = None  # the answer's message
    http: int = 0


class Processor:
    """It, and a client of each transport."""

    def __init__(self, running: Running, next_hop: OtlpNextHop, channel: grpc.aio.Channel) -> None:
        self.running = running
        self.next_hop = next_hop
        self.channel = channel
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}", timeout=PATIENCE)

    async def grpc(self, signal: Signal, body: bytes, compression: str = "none", **options: Any) -> Said:
        kind = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        call = self.channel.unary_unary(WIRES[signal].method)
        try:
            answer = await call(body, timeout=PATIENCE, compression=kind, **options)
        except grpc.aio.AioRpcError as error:
            return told(error)
        return Said("OK", "", None, WIRES[signal].response.FromString(answer))

    async def post(
        self,
        signal: Signal,
        body: bytes,
        compression: str = "none",
        encoding: str = "x-protobuf",
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        sent = {"content-type": f"application/{encoding}", **(headers or {})}
        if compression == "gzip":
            sent["content-encoding"], body = "gzip", gzip.compress(body)
        answer = await self.http.post(WIRES[signal].path, content=body, headers=sent)
        kind = WIRES[signal].response if answer.status_code == 200 else status_pb2.Status
        assert answer.headers["content-type"] == sent["content-type"]
        json = encoding == "json"
        message = json_format.Parse(answer.content, kind()) if json else kind.FromString(answer.content)
        if answer.status_code == 200:
            return Said("OK", "", None, message, 200)
        pause = answer.headers.get("retry-after")
        assert (pause is None) == (retry_seconds(message) is None)
        return Said(name_of(message.code), message.message, retry_seconds(message), http=answer.status_code)

    async def metrics(self) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.running.metrics_url}/metrics")).text


def name_of(code: int) -> str:
    return next(status.name for status in grpc.StatusCode if status.value[0] == code)


def retry_seconds(status: status_pb2.Status) -> float | None:
    for detail in status.details:
        found = error_details_pb2.RetryInfo()
        if detail.Unpack(found):
            return float(found.retry_delay.ToNanoseconds()) / 1e9
    return None


def told(error: grpc.aio.AioRpcError) -> Said:
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(packed)
    if packed:
        assert (status.code, status.message) == (error.code().value[0], error.details())
    return Said(error.code().name, error.details() or "", retry_seconds(status))


def request(signal: Signal, records: int = 1, text: str = "cart") -> Any:
    """A good one."""
    wire = WIRES[signal]
    message = wire.request()
    group = getattr(message, wire.groups).add()
    group.resource.attributes.add(key="service.name").value.string_value = text
    scope = getattr(group, wire.scopes).add()
    for place in range(records):
        record = getattr(scope, wire.records).add()
        if signal is Signal.LOGS:
            record.body.string_value = f"line {place}"
        else:
            record.name = f"name {place}"
    return message


@contextlib.asynccontextmanager
async def processor(options: Mapping[str, Any] | None = None, **otlp: Any) -> AsyncIterator[Processor]:
    """It runs while the block does."""
    async with otlp_next_hop() as next_hop:
        settings = {
            "otlp": {"grpc": {"port": 0}, "http": {"port": 0}, "max_request_bytes": LIMIT, **otlp},
            "next_hop": {"endpoint": f"http://127.0.0.1:{next_hop.grpc_port}"},
            "metrics": {"port": 0},
            "memory_limit_bytes": 64 << 30,  # this process has run other tests
            **(options or {}),
        }
        async with contextlib.AsyncExitStack() as stack:
            run = await stack.enter_async_context(running(check_settings(settings, OtelSettings, "test")))
            channel = await stack.enter_async_context(
                grpc.aio.insecure_channel(f"127.0.0.1:{run.grpc_port}", options=[("grpc.max_send_message_length", -1)])
            )
            one = Processor(run, next_hop, channel)
            stack.push_async_callback(one.http.aclose)
            yield one


@pytest.fixture
async def brain() -> AsyncIterator[Processor]:
    async with processor() as one:
        yield one
