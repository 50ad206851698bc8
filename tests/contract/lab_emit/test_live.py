"""What is sent live, received by real servers on loopback that know the protocols from their libraries alone."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import msgpack
import numpy as np
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces_pb2

from brain_common.errors import PermanentError, TemporaryError
from brain_lab.emit.logs.forward import ForwardSender
from brain_lab.emit.logs.otlp import requests as log_requests
from brain_lab.emit.otlp.client import GrpcOtlpClient, HttpOtlpClient, OtlpClient
from brain_lab.emit.records import LogRecord
from brain_lab.emit.traces.calls import spans_of
from brain_lab.emit.traces.otlp import requests as span_requests
from tests.contract.lab_emit.test_logs import NASTY, REPLACED
from tests.unit.lab_emit.samples import START, log, trees

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class GrpcReceiver(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Takes both services; `answer` may abort."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.abort: Status | None = None
        self.rejected = 0

    def service(self, details: Any) -> Any:
        kind = {LOGS: logs_pb2.ExportLogsServiceRequest, TRACES: traces_pb2.ExportTraceServiceRequest}[details.method]

        async def export(request: Any, context: Any) -> Any:
            if self.abort is not None:
                rich = rpc_status.to_status(self.abort)
                await context.abort(rich.code, rich.details, rich.trailing_metadata)
            self.got.append(request)
            if kind is logs_pb2.ExportLogsServiceRequest:
                return logs_pb2.ExportLogsServiceResponse(partial_success={"rejected_log_records": self.rejected})
            return traces_pb2.ExportTraceServiceResponse(partial_success={"rejected_spans": self.rejected})

        return grpc.unary_unary_rpc_method_handler(export, kind.FromString, lambda message: message.SerializeToString())


async def _with_grpc(receiver: GrpcReceiver, use: Any) -> Any:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((receiver,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = GrpcOtlpClient(f"127.0.0.1:{port}")
    try:
        return await use(client)
    finally:
        await client.close()
        await server.stop(None)


async def _send_both(client: OtlpClient) -> tuple[int, int]:
    (logs,) = log_requests(log())
    (spans,) = span_requests(spans_of(trees(20), np.random.default_rng(1)))
    return await client.send_logs(logs), await client.send_traces(spans)


def test_grpc_delivers_logs_and_traces() -> None:
    receiver = GrpcReceiver()
    assert asyncio.run(_with_grpc(receiver, _send_both)) == (0, 0)
    assert receiver.got[0] == next(iter(log_requests(log())))
    assert receiver.got[1].resource_spans


def test_grpc_is_of_the_loop_it_is_used_in() -> None:
    """The command makes its client before there is a loop."""
    receiver, port = GrpcReceiver(), _free_port()
    client = GrpcOtlpClient(f"127.0.0.1:{port}")

    async def use() -> tuple[int, int]:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((receiver,))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        try:
            return await _send_both(client)
        finally:
            await client.close()
            await server.stop(None)

    assert asyncio.run(use()) == (0, 0)
    assert len(receiver.got) == 2


def test_grpc_tells_what_was_rejected() -> None:
    receiver = GrpcReceiver()
    receiver.rejected = 3
    assert asyncio.run(_with_grpc(receiver, _send_both)) == (3, 3)


@pytest.mark.parametrize(
    ("code", "wait", "kind", "hint"),
    [
        (14, 7, TemporaryError, 7.0),
        (14, None, TemporaryError, None),
        (8, 2, TemporaryError, 2.0),
        (8, None, PermanentError, None),
        (3, None, PermanentError, None),
    ],
)
def test_grpc_errors_are_told_apart(code: int, wait: int | None, kind: type[Exception], hint: float | None) -> None:
    receiver = GrpcReceiver()
    receiver.abort = Status(code=code, message="no")
    if wait is not None:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=wait)))
        receiver.abort.details.append(detail)
    with pytest.raises(kind) as caught:
        asyncio.run(_with_grpc(receiver, _send_both))
    if isinstance(caught.value, TemporaryError):
        assert caught.value.retry_after == hint


def test_grpc_without_a_server_may_pass() -> None:
    async def send() -> None:
        client = GrpcOtlpClient(f"127.0.0.1:{_free_port()}")
        try:
            await _send_both(client)
        finally:
            await client.close()

    with pytest.raises(TemporaryError, match="UNAVAILABLE"):
        asyncio.run(send())


@contextmanager
def _http(status: int = 200, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            assert self.headers["Content-Encoding"] == "gzip"
            got.append((self.path, gzip.decompress(body)))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def _over_http(url: str) -> tuple[int, int]:
    client = HttpOtlpClient(url)
    try:
        return await _send_both(client)
    finally:
        await client.close()


def test_http_delivers_logs_and_traces() -> None:
    with _http() as (url, got):
        assert asyncio.run(_over_http(url)) == (0, 0)
    assert [path for path, _ in got] == ["/v1/logs", "/v1/traces"]
    assert logs_pb2.ExportLogsServiceRequest.FromString(got[0][1]) == next(iter(log_requests(log())))
    assert traces_pb2.ExportTraceServiceRequest.FromString(got[1][1]).resource_spans


def test_http_errors_are_told_apart() -> None:
    with _http(503, {"Retry-After": "9"}) as (url, _), pytest.raises(TemporaryError) as caught:
        asyncio.run(_over_http(url))
    assert caught.value.retry_after == 9.0
    with _http(400) as (url, _), pytest.raises(PermanentError, match="status 400"):
        asyncio.run(_over_http(url))
    with pytest.raises(TemporaryError):
        asyncio.run(_over_http(f"http://127.0.0.1:{_free_port()}"))


class ForwardReceiver:
    """Takes one connection and unpacks what comes, with msgpack alone."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.got: list[Any] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        unpacker = msgpack.Unpacker(strict_map_key=True)
        with connection:
            while data := connection.recv(65536):
                unpacker.feed(data)
                self.got.extend(unpacker)

    def close(self) -> None:
        self._thread.join(timeout=10)
        self._listener.close()


def _forwarded(records: list[LogRecord]) -> list[Any]:
    receiver = ForwardReceiver()
    with ForwardSender("127.0.0.1", receiver.port) as sender:
        assert sender.send(records) == len(records)
    receiver.close()
    return receiver.got


def test_forward_delivers_every_record_in_order_with_its_nanoseconds() -> None:
    records = log(100)
    got = _forwarded(records)
    assert [entry["log"] for _, _, entry in got] == [record.body for record in records]
    assert [_event_time(time) for _, time, _ in got] == [record.time for record in records]
    assert {tag.split(".")[0] for tag, _, _ in got} == {"kube"}


def test_forward_keeps_what_is_hostile_as_data() -> None:
    ((tag, time, entry),) = _forwarded([NASTY])
    assert tag.startswith("kube.var.log.containers.pod-1_shop_")
    assert _event_time(time) == START + 123_456_789
    assert entry["log"] == REPLACED
    assert entry["time"] == "2025-11-25T02:04:02.123456789Z"
    assert entry["stream"] == "stderr"
    assert entry["kubernetes"]["pod_name"] == "pod-1"
    assert entry["attributes"]["big"] == 2**53 + 1
    assert entry["trace_id"] == NASTY.trace


def test_forward_says_that_nobody_is_there_and_sends_nothing_twice_later() -> None:
    port = _free_port()
    sender = ForwardSender("127.0.0.1", port)
    with pytest.raises(TemporaryError, match=f"127.0.0.1:{port}"):
        sender.send([NASTY])
    sender.close()


def _event_time(value: Any) -> int:
    assert (value.code, len(value.data)) == (0, 8)
    seconds, nanos = struct.unpack(">II", value.data)
    return int(seconds * 10**9 + nanos)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
