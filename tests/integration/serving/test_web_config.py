"""The web configuration file of Prometheus' exporters, on a real port: read again while the listener runs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bcrypt
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from brain_common.errors import ConfigError
from brain_common.serving.config import ListenSettings
from brain_common.serving.guard import Guard
from brain_common.serving.http import serving
from brain_common.serving.web_config import LiveWebConfig, load_web_config
from tests.fakes.authority import Authority

pytestmark = pytest.mark.anyio

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
OTHER_HASH = bcrypt.hashpw(b"changed", bcrypt.gensalt(4)).decode()


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route(path, _hello) for path in ("/metrics", "/-/healthy", "/-/ready", "/api/own")])


@asynccontextmanager
async def listener(file: Path) -> AsyncIterator[str]:
    live = LiveWebConfig(file)
    context = live.context()
    app = Guard(APP, live, frozenset({"/api/own"}))
    async with serving(app, ListenSettings(port=0), context=context) as port:
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"


def written(file: Path, text: str) -> Path:
    """As a mounted secret changes: a new file under the old name."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, file)
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.yaml"


async def get(url: str, **options: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, **options) as client:  # type: ignore[arg-type]
        return await client.get(url)


async def test_who_knows_the_password_passes(file: Path) -> None:
    written(file, f"basic_auth_users:\n  prometheus: {HASH}\n")
    async with listener(file) as url:
        assert (await get(f"{url}/metrics", auth=("prometheus", "open sesame"))).status_code == 200
        refused = await get(f"{url}/metrics")
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        for auth in [("prometheus", "wrong"), ("prometheus", ""), ("admin", "open sesame"), ("", "open sesame")]:
            assert (await get(f"{url}/metrics", auth=auth)).status_code == 401
        for header in ["Basic", "Basic !!", "Bearer open sesame", f"Basic {HASH}", "basic"]:
            assert (await get(f"{url}/metrics", headers={"Authorization": header})).status_code == 401
        for path in ("/-/healthy", "/-/ready", "/api/own"):
            assert (await get(url + path)).status_code == 200


async def test_a_changed_password_counts_at_the_next_request(file: Path) -> None:
    written(file, f"basic_auth_users:\n  prometheus: {HASH}\n")
    async with listener(file) as url:
        assert (await get(f"{url}/metrics", auth=("prometheus", "open sesame"))).status_code == 200
        written(file, f"basic_auth_users:\n  prometheus: {OTHER_HASH}\n")
        assert (await get(f"{url}/metrics", auth=("prometheus", "open sesame"))).status_code == 401
        assert (await get(f"{url}/metrics", auth=("prometheus", "changed"))).status_code == 200


async def test_a_change_for_the_worse_is_not_taken(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    written(file, f"basic_auth_users:\n  prometheus: {HASH}\n")
    async with listener(file) as url:
        written(file, "basic_auth_users:\n  prometheus: plain text\n")
        for _ in range(3):
            assert (await get(f"{url}/metrics")).status_code == 401
        assert (await get(f"{url}/metrics", auth=("prometheus", "open sesame"))).status_code == 200
    [record] = caplog.records
    assert "no bcrypt hash" in record.getMessage()
    assert "plain text" not in record.getMessage()


async def test_headers_are_added(file: Path) -> None:
    written(file, "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
    async with listener(file) as url:
        assert (await get(f"{url}/metrics")).headers["x-frame-options"] == "deny"


async def test_a_renewed_certificate_is_shown_to_the_next_connection(file: Path) -> None:
    authority = Authority(file.parent, "authority")
    certificate, key = authority.issue("server")
    written(file, f"tls_server_config:\n  cert_file: {certificate.name}\n  key_file: {key.name}\n")
    context = ssl.create_default_context(cafile=str(authority.file))
    async with listener(file) as url, httpx.AsyncClient(trust_env=False, verify=context) as kept:
        assert (await kept.get(f"{url}/metrics")).text == "hello"
        first = await shown(url)
        authority.issue("server")
        assert await shown(url) != first
        assert (await kept.get(f"{url}/metrics")).text == "hello"
        assert (await get(f"{url}/metrics", verify=context)).text == "hello"


async def shown(url: str) -> str:
    """The certificate that a new connection gets."""
    port = int(url.rsplit(":", 1)[1])
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


async def test_clients_show_a_certificate_where_told_to(file: Path) -> None:
    authority = Authority(file.parent, "authority")
    server, client = authority.issue("server"), authority.issue("client")
    written(
        file,
        f"tls_server_config:\n  cert_file: {server[0].name}\n  key_file: {server[1].name}\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.file}\n",
    )
    without = ssl.create_default_context(cafile=str(authority.file))
    having = ssl.create_default_context(cafile=str(authority.file))
    having.load_cert_chain(*client)
    async with listener(file) as url:
        assert (await get(f"{url}/metrics", verify=having)).status_code == 200
        with pytest.raises(httpx.TransportError):
            await get(f"{url}/metrics", verify=without)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("basic_auth_user: {}\n", "basic_auth_user: unknown key"),
        ("tls_server_config:\n  cert_file: gone.pem\n  key_file: gone.key\n", "gone.pem cannot be read"),
        ("tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS10\n", "TLS12 or TLS13"),
        ("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAnyClientCert\n", "must be"),
        ("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c\n", "belongs to"),
        ("tls_server_config:\n  cert_file: a\n  key_file: b\n  cipher_suites: [x]\n", "cipher_suites: unknown key"),
    ],
)
def test_a_wrong_file_stops_the_start(file: Path, text: str, words: str) -> None:
    written(file, text)
    with pytest.raises(ConfigError, match=words):
        load_web_config(file)
