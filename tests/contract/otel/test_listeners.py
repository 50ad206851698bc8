"""The ports themselves: TLS, slow and odd senders, mistakes of ours, health, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.batch import Batch
from brain_otel.config import OtelSettings
from brain_otel.service import running
from brain_otel.signals import WIRES, Signal
from brain_otel.steps import Steps
from tests.contract.otel.conftest import LIMIT, PATIENCE, Processor, processor, request
from tests.fakes.authority import Authority
from tests.fakes.otlp_next_hop import otlp_next_hop
from tests.fakes.raw_client import raw_client

pytestmark = pytest.mark.anyio

GOOD = request(Signal.LOGS).SerializeToString()
METHOD = WIRES[Signal.LOGS].method


async def test_a_mistake_of_ours_is_to_be_tried_again_and_said_once(
    brain: Processor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Steps, batch: Batch) -> None:
        raise ZeroDivisionError("secret of somebody else")

    monkeypatch.setattr(Steps, "enrich", fail)
    with caplog.at_level(logging.ERROR, "brain_otel"):
        for said in (await brain.grpc(Signal.LOGS, GOOD), await brain.post(Signal.LOGS, GOOD)):
            assert (said.code, said.retry_seconds, said.http in (0, 503)) == ("UNAVAILABLE", 1.0, True)
            assert "secret" not in said.message
    assert len(caplog.records) == 1
    assert 'outcome="failed",signal="logs",transport="http"} 1.0' in await brain.metrics()
    monkeypatch.undo()
    assert (await brain.grpc(Signal.LOGS, GOOD)).code == "OK"


async def test_metrics_of_what_went_well(brain: Processor) -> None:
    body = request(Signal.LOGS, 5).SerializeToString()
    await brain.grpc(Signal.LOGS, body)
    await brain.post(Signal.LOGS, body)
    metrics = await brain.metrics()
    assert 'brain_otel_requests_total{outcome="accepted",signal="logs",transport="grpc"} 1.0' in metrics
    assert 'brain_otel_received_records_total{signal="logs"} 10.0' in metrics
    assert f'brain_otel_received_bytes_total{{signal="logs",transport="http"}} {float(len(body))}' in metrics
    assert 'brain_otel_next_hop_seconds_count{signal="logs"} 2.0' in metrics
    assert "brain_otel_in_flight_bytes 0.0" in metrics


async def test_a_memory_taken_is_given_back_after_every_kind_of_end(brain: Processor) -> None:
    gone = asyncio.create_task(brain.grpc(Signal.LOGS, GOOD))
    brain.next_hop.open.clear()
    while "brain_otel_in_flight_bytes 0.0" in await brain.metrics():
        pass
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    brain.next_hop.open.set()
    for body in (GOOD, b"\xff", b"x" * (LIMIT + 1)):
        await brain.grpc(Signal.LOGS, body)
        await brain.post(Signal.LOGS, body)
        await brain.post(Signal.LOGS, body, encoding="json")
    async with asyncio.timeout(PATIENCE):
        while "brain_otel_in_flight_bytes 0.0" not in await brain.metrics():
            pass


async def test_health_is_told(brain: Processor) -> None:
    stub = health_pb2_grpc.HealthStub(brain.channel)
    for name in ("", WIRES[Signal.TRACES].service):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_ports_that_are_taken_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"otlp\.grpc\.port: cannot listen on 127\.0\.0\.1:{port}"):
            async with processor(grpc={"port": port}):
                pass
        with pytest.raises(ConfigError, match=rf"otlp\.http\.port: cannot listen on 127\.0\.0\.1:{port}"):
            async with processor(http={"port": port}):
                pass


async def test_a_method_that_is_not_there_is_unimplemented(brain: Processor) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await brain.channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Delete")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-protobuf; charset=x"}, 200),
        ({"content-type": "Application/X-Protobuf"}, 200),
        ({"content-type": "application/x-protobuf", "content-encoding": "br"}, 415),
        ({"content-type": "application/x-protobuf", "content-encoding": "gzip"}, 400),
    ],
)
async def test_headers(brain: Processor, headers: dict[str, str], status: int) -> None:
    answer = await brain.http.post("/v1/logs", content=GOOD, headers=headers)
    assert answer.status_code == status


async def test_other_paths_and_methods(brain: Processor) -> None:
    assert (await brain.http.get("/v1/logs")).status_code == 405
    assert (await brain.http.post("/v1/other")).status_code == 404


async def test_gzip_of_several_members_in_chunks_of_one_byte(brain: Processor) -> None:
    sent = gzip.compress(GOOD[:10]) + gzip.compress(b"") + gzip.compress(GOOD[10:])

    async def pieces() -> Any:
        for place in range(len(sent)):
            yield sent[place : place + 1]

    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert (await brain.http.post("/v1/logs", content=pieces(), headers=headers)).status_code == 200
    assert brain.next_hop.got == [(Signal.LOGS, request(Signal.LOGS))]


@pytest.mark.parametrize("cut", [1, 10, -1, -8])
async def test_gzip_that_ends_early_is_malformed(brain: Processor, cut: int) -> None:
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    answer = await brain.http.post("/v1/logs", content=gzip.compress(GOOD)[:cut], headers=headers)
    assert answer.status_code == 400


async def test_json_with_ids_enums_and_unknown_fields(brain: Processor) -> None:
    body = (
        b'{"resourceSpans":[{"new":1,"scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C",'
        b'"spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"GET","kind":2,"startTimeUnixNano":"1544712660000000000",'
        b'"attributes":[{"key":"traceId","value":{"stringValue":"zz"}}]}]}]}]}'
    )
    assert (await brain.post(Signal.TRACES, body, encoding="json")).code == "OK"
    ((_, message),) = brain.next_hop.got
    (span,) = message.resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert (span.span_id.hex(), span.parent_span_id, span.kind) == ("eee19b7ec3c1b174", b"", 2)
    assert (span.start_time_unix_nano, span.attributes[0].value.string_value) == (1544712660000000000, "zz")


NESTED = b'{"resourceLogs":' + b"[" * 20_000


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"null", b'"x"', b"{", b'{"resourceLogs":7}', b'{"resourceLogs":[7]}', b"\xff", NESTED,
             b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}'],
    ids=range(11),
)  # fmt: skip
async def test_json_that_is_none(brain: Processor, body: bytes) -> None:
    assert (await brain.post(Signal.LOGS, body, encoding="json")).code == "INVALID_ARGUMENT"


# Decoders with anything


async def still_good(brain: Processor) -> None:
    assert (await brain.grpc(Signal.LOGS, GOOD)).code == "OK"


HOSTILE = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
MUTATED = st.builds(
    lambda place, piece: GOOD[: place % len(GOOD)] + piece + GOOD[place % len(GOOD) :],
    st.integers(0, 10_000),
    st.binary(max_size=20),
)
ENDS = {"OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}


@pytest.mark.parametrize("way", ["grpc", "x-protobuf", "json", "gzip"])
async def test_no_bytes_do_harm(brain: Processor, way: str) -> None:
    bodies: list[bytes] = []

    @HOSTILE
    @given(st.one_of(st.binary(max_size=200), MUTATED))
    def collect(body: bytes) -> None:
        bodies.append(body)

    collect()
    for body in bodies:
        for signal in Signal:
            if way == "grpc":
                said = await brain.grpc(signal, body)
            elif way == "gzip":
                said = await brain.post(signal, body, headers={"content-encoding": "gzip"})
            else:
                said = await brain.post(signal, body, encoding=way)
            assert said.code in ENDS
    await still_good(brain)


# Slow and many


async def test_many_who_connect_or_trickle_keep_nobody_out(brain: Processor) -> None:
    async with asyncio.TaskGroup() as group, grpc.aio.insecure_channel(f"127.0.0.1:{brain.running.grpc_port}") as other:
        calls = [other.stream_unary(METHOD)() for _ in range(100)]  # they say that a message comes, and send none
        sockets = [await asyncio.open_connection("127.0.0.1", brain.running.http_port) for _ in range(100)]
        head = (
            b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99\r\n\r\nx"
        )
        for _, writer in sockets:
            writer.write(head)
        await asyncio.gather(*(call.wait_for_connection() for call in calls[:1]))
        async with asyncio.timeout(60):
            while (await brain.grpc(Signal.LOGS, GOOD)).code != "OK":  # the first turn comes when the slow lose theirs
                pass
        for _ in range(50):  # from now on this connection is known to be quick
            await still_good(brain)
            assert (await brain.post(Signal.LOGS, GOOD)).code == "OK"
        for call in calls:
            call.cancel()
        for _, writer in sockets:
            writer.close()
        del group


async def test_a_trickling_call_is_told_to_come_again(brain: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain_otel.wire.turns._SLOWEST", 0.1)
    call = brain.channel.stream_unary(METHOD)()
    assert (await call.code()).name == "UNAVAILABLE"


async def test_a_call_without_a_message_is_refused_for_good(brain: Processor) -> None:
    call = brain.channel.stream_unary(METHOD)()
    await call.done_writing()
    assert (await call.code()).name == "RESOURCE_EXHAUSTED"


async def test_what_is_too_large_is_counted(brain: Processor) -> None:
    await brain.grpc(Signal.LOGS, b"x" * (LIMIT + 1))
    await brain.post(Signal.LOGS, b"x" * (LIMIT + 1))
    metrics = await brain.metrics()
    for transport in ("grpc", "http"):
        assert f'outcome="too_large",signal="logs",transport="{transport}"}} 1.0' in metrics


async def test_a_body_that_does_not_come_is_told_to_come_again(
    brain: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brain_otel.wire.body.SLOWEST_BODY", 0.1)
    assert brain.running.http_port
    async with raw_client(brain.running.http_port) as client:
        await client.send(b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n")
        await client.send(b"content-length: 100\r\n\r\nx")
        answer = await client.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


# TLS


def tls_of(folder: Path, name: str, authority: Authority, *, mutual: bool) -> dict[str, str]:
    cert, key = authority.issue(name)
    ca = {"client_ca_file": str(authority.file)} if mutual else {}
    return {"cert_file": str(cert), "key_file": str(key), **ca}


def secure(port: int, authority: Authority, pair: tuple[Path, Path] | None = None) -> Any:
    own = (pair[1].read_bytes(), pair[0].read_bytes()) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes(), *own)
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=[("grpc.use_local_subchannel_pool", 1)])


async def code_of(channel: Any) -> str:
    try:
        await channel.unary_unary(METHOD)(GOOD, timeout=PATIENCE)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def test_tls_that_wants_a_certificate_of_the_sender(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    tls = tls_of(tmp_path, "server", authority, mutual=True)
    async with processor(grpc={"port": 0, "tls": tls}, http={"port": 0, "tls": tls}) as brain:
        for pair, code in (
            (authority.issue("sender"), "OK"),
            (None, "UNAVAILABLE"),
            (stranger.issue("other"), "UNAVAILABLE"),
        ):
            async with secure(brain.running.grpc_port, authority, pair) as channel:
                assert await code_of(channel) == code
        assert (await brain.grpc(Signal.LOGS, GOOD)).code == "UNAVAILABLE"  # in plain text
        context = ssl.create_default_context(cafile=authority.file)
        context.load_cert_chain(*authority.issue("sender"))
        async with httpx.AsyncClient(verify=context) as client:
            url = f"https://127.0.0.1:{brain.running.http_port}/v1/logs"
            answer = await client.post(url, content=GOOD, headers={"content-type": "application/x-protobuf"})
            assert answer.status_code == 200
    assert len(brain.next_hop.got) == 2


async def test_a_renewed_certificate_is_shown_without_a_request_lost(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    old, new = Authority(tmp_path, "old"), Authority(tmp_path / "new", "new")
    tls = tls_of(tmp_path, "server", old, mutual=False)
    async with processor(grpc={"port": 0, "tls": tls}, http={"port": 0, "tls": tls}) as brain:
        port = brain.running.grpc_port
        url = f"https://127.0.0.1:{brain.running.http_port}/v1/logs"
        assert await status_of(url, old) == 200
        async with secure(port, old) as open_before:
            assert await code_of(open_before) == "OK"
            cert, key = new.issue("server")
            Path(tls["cert_file"]).write_bytes(cert.read_bytes())  # half of a change: not used
            assert await code_of(open_before) == "OK"
            async with secure(port, old) as between:
                assert await code_of(between) == "OK"
            Path(tls["key_file"]).write_bytes(key.read_bytes())
            async with secure(port, new) as after:
                assert await code_of(after) == "OK"
            async with secure(port, old) as late:
                assert await code_of(late) == "UNAVAILABLE"
            assert await code_of(open_before) == "OK"
            assert await status_of(url, new) == 200


async def status_of(url: str, authority: Authority) -> int:
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=authority.file)) as client:
        answer = await client.post(url, content=GOOD, headers={"content-type": "application/x-protobuf"})
        return answer.status_code


async def test_a_call_under_way_is_answered_before_the_end() -> None:
    async with otlp_next_hop() as hop:
        values = {
            "otlp": {"grpc": {"port": 0}, "http": None},
            "next_hop": {"endpoint": f"http://127.0.0.1:{hop.grpc_port}"},
            "metrics": {"port": 0},
            "memory_limit_bytes": 64 << 30,  # this process has run other tests
        }
        ending = contextlib.AsyncExitStack()
        run = await ending.enter_async_context(running(check_settings(values, OtelSettings, "test")))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{run.grpc_port}") as channel:
            hop.open.clear()
            call = asyncio.create_task(code_of(channel))
            await hop.asked.wait()
            end = asyncio.create_task(ending.aclose())
            while (await new_call(run.grpc_port)) != "UNAVAILABLE":  # it does not listen any more
                pass
            hop.open.set()
            assert await call == "OK"
            await end


async def new_call(port: int) -> str:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as other:
        stub = health_pb2_grpc.HealthStub(other)
        try:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return "OK"
