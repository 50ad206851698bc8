"""The HTTP listener with TLS: plain text gets nothing, and with mTLS nobody without the right certificate."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from brain_common.serving.config import ListenSettings, TlsSettings
from brain_common.serving.http import serving
from tests.fakes.authority import Authority
from tests.fakes.raw_client import PATIENCE, raw_client

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "stranger")


async def hello(request: Request) -> Response:
    return PlainTextResponse(request.url.scheme)


APP = Starlette(routes=[Route("/", hello)])


@pytest.fixture(scope="module")
async def tls_port(authority: Authority) -> AsyncIterator[int]:
    certificate, key = authority.issue("server")
    tls = TlsSettings(cert_file=certificate, key_file=key)
    async with serving(APP, ListenSettings(port=0, tls=tls)) as port:
        yield port


@pytest.fixture(scope="module")
async def mtls_port(authority: Authority) -> AsyncIterator[int]:
    certificate, key = authority.issue("server")
    tls = TlsSettings(cert_file=certificate, key_file=key, client_ca_file=authority.file)
    async with serving(APP, ListenSettings(port=0, tls=tls)) as port:
        yield port


def trusting(authority: Authority, shown: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if shown is not None:
        context.load_cert_chain(*shown)
    return context


async def ask(port: int, context: ssl.SSLContext) -> str:
    async with httpx.AsyncClient(verify=context, timeout=PATIENCE) as client:
        return (await client.get(f"https://127.0.0.1:{port}/")).text


async def test_who_trusts_the_authority_is_served(tls_port: int, authority: Authority) -> None:
    assert await ask(tls_port, trusting(authority)) == "https"


async def test_who_trusts_another_authority_does_not_take_it_for_the_service(
    tls_port: int, stranger: Authority
) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(tls_port, trusting(stranger))


async def test_plain_text_is_not_answered(tls_port: int) -> None:
    async with raw_client(tls_port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: brain\r\n\r\n")
        assert b"HTTP/1.1" not in await client.rest()


async def test_old_versions_of_tls_are_refused(tls_port: int, authority: Authority) -> None:
    context = trusting(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        await ask(tls_port, context)


async def test_with_mtls_a_client_of_the_authority_is_served(mtls_port: int, authority: Authority) -> None:
    assert await ask(mtls_port, trusting(authority, authority.issue("client"))) == "https"


async def test_with_mtls_a_client_without_certificate_is_refused(mtls_port: int, authority: Authority) -> None:
    with pytest.raises(httpx.TransportError):
        await ask(mtls_port, trusting(authority))


async def test_with_mtls_a_certificate_of_another_authority_is_refused(
    mtls_port: int, authority: Authority, stranger: Authority
) -> None:
    with pytest.raises(httpx.TransportError):
        await ask(mtls_port, trusting(authority, stranger.issue("client")))


async def test_a_refused_client_keeps_nobody_else_out(mtls_port: int, authority: Authority) -> None:
    with pytest.raises(httpx.TransportError):
        await ask(mtls_port, trusting(authority))
    assert await ask(mtls_port, trusting(authority, authority.issue("client"))) == "https"
