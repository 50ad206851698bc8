"""What the next hop says, and what its sender is told of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from brain_otel.signals import Signal
from tests.contract.otel.conftest import PATIENCE, Processor, processor, request
from tests.fakes.authority import Authority
from tests.fakes.otlp_next_hop import otlp_next_hop

pytestmark = pytest.mark.anyio

CODE = grpc.StatusCode
GOOD = request(Signal.TRACES).SerializeToString()


def status(code: grpc.StatusCode, retry_seconds: float | None = None) -> Any:
    details = []
    if retry_seconds is not None:
        packed = any_pb2.Any()
        delay = Duration()
        delay.FromNanoseconds(int(retry_seconds * 1e9))
        packed.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        details.append(packed)
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message="its words", details=details))


TEMPORARY = [
    CODE.UNAVAILABLE,
    CODE.DEADLINE_EXCEEDED,
    CODE.CANCELLED,
    CODE.ABORTED,
    CODE.OUT_OF_RANGE,
    CODE.DATA_LOSS,
    CODE.UNKNOWN,
    CODE.INTERNAL,
    CODE.UNAUTHENTICATED,
    CODE.PERMISSION_DENIED,
    CODE.UNIMPLEMENTED,
]
PERMANENT = [
    CODE.INVALID_ARGUMENT,
    CODE.RESOURCE_EXHAUSTED,
    CODE.FAILED_PRECONDITION,
    CODE.NOT_FOUND,
    CODE.ALREADY_EXISTS,
]


@pytest.mark.parametrize("code", TEMPORARY, ids=lambda code: code.name)
async def test_what_may_pass_is_to_be_tried_again(brain: Processor, code: grpc.StatusCode) -> None:
    brain.next_hop.status = status(code)
    for said in (await brain.grpc(Signal.TRACES, GOOD), await brain.post(Signal.TRACES, GOOD)):
        assert (said.code, said.retry_seconds, said.http in (0, 503)) == ("UNAVAILABLE", 1.0, True)
        assert code.name in said.message
        assert "its words" in said.message
    assert f'brain_otel_next_hop_failures_total{{code="{code.name}"}} 2.0' in await brain.metrics()


@pytest.mark.parametrize("code", PERMANENT, ids=lambda code: code.name)
async def test_what_never_will_is_handed_on_as_such(brain: Processor, code: grpc.StatusCode) -> None:
    brain.next_hop.status = status(code)
    for said in (await brain.grpc(Signal.TRACES, GOOD), await brain.post(Signal.TRACES, GOOD)):
        assert (said.code, said.retry_seconds, said.http in (0, 400)) == ("INVALID_ARGUMENT", None, True)
        assert "its words" in said.message


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.RESOURCE_EXHAUSTED])
async def test_its_hint_when_to_come_back_is_handed_on(brain: Processor, code: grpc.StatusCode) -> None:
    brain.next_hop.status = status(code, 7.5)
    said = await brain.grpc(Signal.TRACES, GOOD)
    assert (said.code, said.retry_seconds) == ("UNAVAILABLE", 7.5)


async def test_a_credential_that_it_does_not_take_is_said_once(
    brain: Processor, caplog: pytest.LogCaptureFixture
) -> None:
    brain.next_hop.status = status(CODE.UNAUTHENTICATED)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await brain.grpc(Signal.TRACES, GOOD)
    assert caplog.text.count("next_hop.headers or next_hop.tls") == 1


async def test_trouble_is_said_when_it_begins_and_when_it_is_over(
    brain: Processor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for code in (CODE.UNAVAILABLE, CODE.UNAVAILABLE, CODE.OK, CODE.OK, CODE.UNAVAILABLE, CODE.OK):
            brain.next_hop.status = None if code is CODE.OK else status(code)
            await brain.grpc(Signal.TRACES, GOOD)
    said = [record.getMessage() for record in caplog.records if record.name == "brain_otel.wire.next_hop"]
    assert [text.split(":")[0] for text in said] == ["traces", "next hop 127.0.0.1"]  # the second time is too soon
    assert "Senders keep their data" in said[0]
    assert said[1].endswith("takes traces again")


async def test_one_that_is_not_there_is_temporary() -> None:
    async with processor({"next_hop": {"endpoint": "http://127.0.0.1:1"}}) as brain:
        said = await brain.grpc(Signal.TRACES, GOOD)
        assert (said.code, said.retry_seconds) == ("UNAVAILABLE", 1.0)


async def test_one_that_does_not_answer_is_temporary() -> None:
    async with otlp_next_hop() as hop:
        hop.open.clear()
        for endpoint, protocol in ((hop.grpc_port, "grpc"), (hop.http_port, "http")):
            options = {"endpoint": f"http://127.0.0.1:{endpoint}", "protocol": protocol, "timeout_seconds": 0.2}
            async with processor({"next_hop": options}) as brain:
                said = await brain.grpc(Signal.TRACES, GOOD)
                assert (said.code, said.retry_seconds) == ("UNAVAILABLE", 1.0)
                assert "DEADLINE_EXCEEDED" in said.message


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_headers_and_compression(protocol: str, compression: str) -> None:
    async with otlp_next_hop() as hop:
        port = hop.grpc_port if protocol == "grpc" else hop.http_port
        options = {
            "endpoint": f"http://127.0.0.1:{port}",
            "protocol": protocol,
            "compression": compression,
            "headers": {"Authorization": "Bearer s3cret"},
        }
        async with processor({"next_hop": options}) as brain:
            for signal in Signal:
                body = request(signal, 100)
                assert (await brain.grpc(signal, body.SerializeToString())).code == "OK"
                assert hop.got.pop() == (signal, body)
        assert {headers["authorization"] for headers in hop.headers} == {"Bearer s3cret"}


@pytest.mark.parametrize(
    ("http", "code"),
    [
        ((429, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((503, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((502, {"retry-after": "7"}, b"\xff"), "UNAVAILABLE"),
        ((500, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((599, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((401, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((403, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((400, {}, status_pb2.Status(code=3, message="its words").SerializeToString()), "INVALID_ARGUMENT"),
        ((404, {"retry-after": "7"}, b""), "UNAVAILABLE"),
        ((413, {}, b""), "INVALID_ARGUMENT"),
        ((301, {"location": "http://127.0.0.1:1/", "retry-after": "7"}, b""), "UNAVAILABLE"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
async def test_one_that_speaks_http(http: tuple[int, dict[str, str], bytes], code: str) -> None:
    async with otlp_next_hop() as hop:
        hop.http = http
        options = {"endpoint": f"http://127.0.0.1:{hop.http_port}", "protocol": "http"}
        async with processor({"next_hop": options}) as brain:
            said = await brain.grpc(Signal.TRACES, GOOD)
            assert (said.code, said.retry_seconds) == (code, 7.0 if code == "UNAVAILABLE" else None)
            assert f"HTTP {http[0]}" in said.message
            assert ("its words" in said.message) == (http[0] == 400)


async def test_one_that_speaks_tls_and_wants_a_certificate(tmp_path: Any) -> None:
    authority = Authority(tmp_path, "authority")
    cert, key = authority.issue("next-hop")
    client_cert, client_key = authority.issue("processor")
    pair = [(key.read_bytes(), cert.read_bytes())]
    credentials = grpc.ssl_server_credentials(pair, authority.file.read_bytes(), require_client_auth=True)
    async with otlp_next_hop(credentials) as hop:
        tls = {"ca_file": str(authority.file), "cert_file": str(client_cert), "key_file": str(client_key)}
        options: dict[str, Any] = {"endpoint": f"https://127.0.0.1:{hop.grpc_port}", "tls": tls}
        async with processor({"next_hop": options}) as brain:
            assert (await brain.grpc(Signal.TRACES, GOOD)).code == "OK"
        async with processor({"next_hop": {**options, "tls": {"ca_file": str(authority.file)}}}) as brain:
            assert (await brain.grpc(Signal.TRACES, GOOD)).code == "UNAVAILABLE"
    assert len(hop.got) == 1


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_an_answer_that_cannot_be_read_is_one_nevertheless(protocol: str) -> None:
    async with otlp_next_hop() as hop:
        hop.answer = b"\xff"
        port = hop.grpc_port if protocol == "grpc" else hop.http_port
        async with processor({"next_hop": {"endpoint": f"http://127.0.0.1:{port}", "protocol": protocol}}) as brain:
            assert (await brain.grpc(Signal.TRACES, GOOD)).code == "OK"


async def test_one_that_comes_back_is_found_soon() -> None:
    async with otlp_next_hop() as hop:
        port = hop.grpc_port
    async with processor({"next_hop": {"endpoint": f"http://127.0.0.1:{port}"}}) as brain:
        assert (await brain.grpc(Signal.TRACES, GOOD)).code == "UNAVAILABLE"
        async with otlp_next_hop(port=port) as hop, asyncio.timeout(PATIENCE):
            while (await brain.grpc(Signal.TRACES, GOOD)).code != "OK":  # noqa: ASYNC110 - gRPC tells nobody
                await asyncio.sleep(0.05)
            assert len(hop.got) == 1
