"""The gRPC port itself: who may call, what it says about itself, and what it does with bytes that are no request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.errors import ConfigError
from brain_common.serving.config import CallerSettings, ListenSettings, TlsSettings
from brain_rca.grpc_api import server as server_module
from brain_rca.grpc_api.server import SERVICE, serving_grpc
from tests.contract.grpc.conftest import PATIENCE, Api, group, refused, serving_api
from tests.fakes.authority import Authority
from tests.fakes.credentials import BAD, PASSWORD, TOKEN, basic, callers

pytestmark = pytest.mark.anyio

CODE = grpc.StatusCode
FEEDBACK = {
    "ConfirmCause": pb.FeedbackRequest(id="0" * 16, entity="c/n/service/a"),
    "RejectCause": pb.FeedbackRequest(id="0" * 16, entity="c/n/service/a"),
    "WithdrawFeedback": pb.WithdrawFeedbackRequest(id="0" * 16, entity="c/n/service/a"),
}
METHODS = ["Analyze", "GetIncident", "ListIncidents", "WatchIncidents", *FEEDBACK]


# Credentials


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Api]:
    known = [CallerSettings.model_validate(each) for each in callers()]
    async with serving_api(tmp_path, known) as one:
        yield one


def call(api: Api, method: str, metadata: tuple[tuple[str, Any], ...] = ()) -> Awaitable[Any]:
    """Any method, with a good request."""
    if method == "Analyze":
        return api.stub.Analyze(group(), metadata=metadata, timeout=PATIENCE)
    if method == "GetIncident":
        return api.stub.GetIncident(pb.GetIncidentRequest(id="0" * 16), metadata=metadata, timeout=PATIENCE)
    if method == "ListIncidents":
        return api.stub.ListIncidents(pb.ListIncidentsRequest(), metadata=metadata, timeout=PATIENCE)
    if method in FEEDBACK:
        return getattr(api.stub, method)(FEEDBACK[method], metadata=metadata, timeout=PATIENCE)
    return api.stub.WatchIncidents(pb.WatchIncidentsRequest(), metadata=metadata, timeout=PATIENCE).read()


BAD_METADATA: dict[str, tuple[tuple[str, Any], ...]] = {
    **BAD,
    "whitespace": (("authorization", "  "),),
    "binary key": (("authorization-bin", f"Bearer {TOKEN}".encode()),),
}


@pytest.mark.parametrize("metadata", BAD_METADATA.values(), ids=BAD_METADATA)
async def test_who_is_unknown_may_call_nothing_and_leaves_no_secret(
    guarded: Api, metadata: tuple[tuple[str, Any], ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "brain_rca")
    for method in METHODS:
        answer = await refused(call(guarded, method, metadata))
        assert (answer.code, answer.reason) == (CODE.UNAUTHENTICATED, "UNKNOWN_CALLER")
        assert "s3cret" not in answer.message + caplog.text
    assert await guarded.store.list(limit=1) == []


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic("anna", PASSWORD)])
async def test_who_is_known_may_call(guarded: Api, header: str) -> None:
    answer = await call(guarded, "ListIncidents", (("authorization", header),))
    assert list(answer.incidents) == []


async def test_health_and_reflection_ask_nobody(guarded: Api) -> None:
    assert await health(guarded, "") == health_pb2.HealthCheckResponse.SERVING
    assert SERVICE in await services(guarded)


# Bytes that are no request


@pytest.mark.parametrize("method", [f"{SERVICE}/{name}" for name in METHODS] + ["grpc.health.v1.Health/Check"])
@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a", b"\x0a\x05abc", b"\x0b" * 1000], ids=range(4))
async def test_what_is_no_message_is_the_clients_fault(api: Api, method: str, data: bytes) -> None:
    if method.endswith("WatchIncidents"):
        answer = await refused(api.channel.unary_stream(f"/{method}")(data, timeout=PATIENCE).read())
    else:
        answer = await refused(api.channel.unary_unary(f"/{method}")(data, timeout=PATIENCE))
    assert (answer.code, answer.reason) == (CODE.INVALID_ARGUMENT, "MALFORMED_REQUEST")


@pytest.mark.parametrize(("method", "number"), [("Analyze", 2), ("GetIncident", 1), ("ListIncidents", 2)])
async def test_text_that_is_no_utf_8_is_the_clients_fault(api: Api, method: str, number: int) -> None:
    data = bytes([number << 3 | 2, 1, 0xFF])
    answer = await refused(api.channel.unary_unary(f"/{SERVICE}/{method}")(data, timeout=PATIENCE))
    assert (answer.code, answer.reason) == (CODE.INVALID_ARGUMENT, "MALFORMED_REQUEST")


async def test_a_message_with_unknown_fields_is_read(api: Api) -> None:
    data = pb.ListIncidentsRequest(only_open=True).SerializeToString() + b"\xfa\x3f\x03new"
    answer = await api.channel.unary_unary(f"/{SERVICE}/ListIncidents")(data, timeout=PATIENCE)
    assert pb.ListIncidentsResponse.FromString(answer) == pb.ListIncidentsResponse()


async def test_a_message_that_is_too_large_is_refused_and_the_next_one_served(api: Api) -> None:
    large = group(common_annotations={"a": "x" * (8 << 20)})
    assert (await refused(api.stub.Analyze(large, timeout=PATIENCE))).code is CODE.RESOURCE_EXHAUSTED
    assert list((await api.stub.ListIncidents(pb.ListIncidentsRequest())).incidents) == []


async def test_a_method_that_is_not_there_is_unimplemented(api: Api) -> None:
    answer = await refused(api.channel.unary_unary(f"/{SERVICE}/Delete")(b"", timeout=PATIENCE))
    assert answer.code is CODE.UNIMPLEMENTED


# What it says about itself


async def health(api: Api, name: str) -> int:
    stub = health_pb2_grpc.HealthStub(api.channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE)).status


async def test_health_is_that_of_the_process_and_of_the_service(api: Api) -> None:
    for name in ("", SERVICE):
        assert await health(api, name) == health_pb2.HealthCheckResponse.SERVING
    stub = health_pb2_grpc.HealthStub(api.channel)
    unknown = await refused(stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=PATIENCE))
    assert unknown.code is CODE.NOT_FOUND


async def test_a_service_whose_store_is_away_does_not_serve_but_its_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_HEALTH_SECONDS", 0.01)
    states = health_pb2.HealthCheckResponse
    async with serving_api(tmp_path) as api:
        stub = health_pb2_grpc.HealthStub(api.channel)
        stream = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=PATIENCE)
        assert (await stream.read()).status == states.SERVING
        await api.store.close()
        assert (await stream.read()).status == states.NOT_SERVING
        assert await health(api, "") == states.SERVING
        await api.store.open()
        assert (await stream.read()).status == states.SERVING
        stream.cancel()


async def reflect(api: Api, **request: Any) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(api.channel)
    stream = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=PATIENCE)
    answer = await stream.read()
    stream.cancel()
    return answer


async def services(api: Api) -> list[str]:
    answer = await reflect(api, list_services="")
    return [service.name for service in answer.list_services_response.service]


async def test_reflection_tells_the_services_and_their_methods(api: Api) -> None:
    assert {SERVICE, "grpc.health.v1.Health"} <= set(await services(api))
    answer = await reflect(api, file_containing_symbol=SERVICE)
    files = map(descriptor_pb2.FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    assert [method.name for file in files for service in file.service for method in service.method] == METHODS


# Address and TLS


async def test_a_port_in_use_is_an_error_of_the_configuration(api: Api) -> None:
    with pytest.raises(ConfigError, match=f"^grpc.port: cannot listen on 127.0.0.1:{api.port} for gRPC"):
        async with serving_grpc(api.servicer, ListenSettings(port=api.port)):
            pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


def tls(authority: Authority, **more: Path) -> TlsSettings:
    certificate, key = authority.issue("server")
    return TlsSettings(**{"cert_file": certificate, "key_file": key, **more})


def trusting(authority: Authority, shown: tuple[Path, Path] | None = None) -> grpc.ChannelCredentials:
    certificate, key = (file.read_bytes() for file in shown) if shown else (None, None)
    return grpc.ssl_channel_credentials(authority.file.read_bytes(), key, certificate)


async def ask(port: int, credentials: grpc.ChannelCredentials) -> pb.ListIncidentsResponse:
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        return await rca_pb2_grpc.RcaServiceStub(channel).ListIncidents(pb.ListIncidentsRequest(), timeout=PATIENCE)


async def test_with_tls_who_trusts_the_authority_is_served_and_plain_text_is_not(
    tmp_path: Path, authority: Authority
) -> None:
    async with serving_api(tmp_path, tls=tls(authority)) as api:
        assert list((await ask(api.port, trusting(authority))).incidents) == []
        plain = await refused(api.stub.ListIncidents(pb.ListIncidentsRequest(), timeout=PATIENCE))
        assert plain.code is CODE.UNAVAILABLE


async def test_with_mtls_only_a_client_of_the_authority_is_served(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with serving_api(tmp_path, tls=tls(authority, client_ca_file=authority.file)) as api:
        assert list((await ask(api.port, trusting(authority, authority.issue("client")))).incidents) == []
        for shown in (None, stranger.issue("client")):
            answer = await refused(ask(api.port, trusting(authority, shown)))
            assert answer.code is CODE.UNAVAILABLE


@pytest.mark.parametrize("field", ["cert_file", "key_file", "client_ca_file"])
async def test_tls_files_that_cannot_be_used_are_told_at_the_start(
    api: Api, tmp_path: Path, authority: Authority, field: str
) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("garbage")
    with pytest.raises(ConfigError, match=r"bad\.pem"):
        async with serving_grpc(api.servicer, ListenSettings(port=0, tls=tls(authority, **{field: bad}))):
            pass
