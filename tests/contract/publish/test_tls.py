"""TLS towards every place: the configured authority is trusted and no other, and a client certificate is shown."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.grafana import GrafanaAnnotations
from brain_common.clients.http import HttpSettings
from brain_common.clock import ManualClock
from brain_common.errors import TemporaryError
from brain_rca.publish.alertmanager import AlertmanagerSink
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.sink import Sink
from brain_rca.publish.webhook import WebhookSink
from brain_rca.publish.webhook_template import BUILT_IN, BodyTemplate
from tests.contract.publish.conftest import NOW, settings
from tests.fakes.authority import Authority
from tests.fakes.http_server import Answer, FakeServer
from tests.unit.publish.samples import EXTERNAL_URL, incident, told

pytestmark = pytest.mark.anyio

Build = Callable[[HttpSettings], Sink]


def grafana(http: HttpSettings) -> Sink:
    return GrafanaSink(GrafanaAnnotations(http), EXTERNAL_URL, ManualClock(NOW))


def alertmanager(http: HttpSettings) -> Sink:
    return AlertmanagerSink([AlertmanagerPeer(http)], EXTERNAL_URL, ManualClock(NOW))


def webhook(http: HttpSettings) -> Sink:
    template = BodyTemplate(BUILT_IN["chat"], "body")
    return WebhookSink("chat", f"{http.url}/x", template, "application/json", http, EXTERNAL_URL)


every_sink = pytest.mark.parametrize("build", [grafana, alertmanager, webhook])


def answer(method: str, path: str, *_: Any) -> Answer:
    """Enough of every place: no annotations, and one with an id when asked for it."""
    return Answer(200, [] if method == "GET" else {"id": 1})


class TlsServer(FakeServer):
    """The fake server behind TLS; with ``clients``, only for who shows a certificate of that authority."""

    def __init__(self, certificate: tuple[Path, Path], clients: Path | None = None) -> None:
        super().__init__(answer)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        if clients is not None:
            self._context.load_verify_locations(clients)
            self._context.verify_mode = ssl.CERT_REQUIRED

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def start(self) -> None:
        super().start()
        assert self._server is not None
        plain = self._server.get_request

        def accept() -> Any:
            connection, address = plain()
            connection.settimeout(5)
            return self._context.wrap_socket(connection, server_side=True), address

        self._server.get_request = accept  # type: ignore[method-assign]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def server(authority: Authority) -> Iterator[TlsServer]:
    with TlsServer(authority.issue("server")) as server:
        yield server


async def publish(build: Build, url: str, **tls: Any) -> None:
    sink = build(settings(url, timeout_seconds=5, tls={key: str(value) for key, value in tls.items()}))
    try:
        await sink.publish(incident(), told(sink.name))
    finally:
        await sink.aclose()


@every_sink
async def test_the_configured_authority_is_trusted(build: Build, authority: Authority, server: TlsServer) -> None:
    await publish(build, server.url, ca_file=authority.file)
    assert [request.method for request in server.requests][-1] == "POST"


@every_sink
async def test_no_other_authority_is(build: Build, tmp_path: Path, server: TlsServer) -> None:
    with pytest.raises(TemporaryError, match=r"(?i)certificate"):
        await publish(build, server.url)
    with pytest.raises(TemporaryError, match=r"(?i)certificate"):
        await publish(build, server.url, ca_file=Authority(tmp_path, "other").file)
    assert server.requests == []


@every_sink
async def test_a_client_certificate_is_shown(build: Build, authority: Authority) -> None:
    certificate, key = authority.issue("client")
    with TlsServer(authority.issue("server"), clients=authority.file) as server:
        with pytest.raises(TemporaryError):
            await publish(build, server.url, ca_file=authority.file)
        assert server.requests == []
        await publish(build, server.url, ca_file=authority.file, cert_file=certificate, key_file=key)
        assert server.requests[-1].method == "POST"


@every_sink
async def test_trials_may_do_without(build: Build, server: TlsServer) -> None:
    await publish(build, server.url, insecure_skip_verify=True)
    assert server.requests[-1].method == "POST"
