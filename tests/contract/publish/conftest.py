"""A Grafana, two Alertmanager peers and a webhook receiver, and sinks that publish to them. Time stands still."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.grafana import GrafanaAnnotations
from brain_common.clients.http import HttpSettings
from brain_common.clock import ManualClock
from brain_rca.publish.alertmanager import AlertmanagerSink
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.webhook import WebhookSink
from brain_rca.publish.webhook_template import BUILT_IN, BodyTemplate
from tests.fakes.alertmanager import FakeAlertmanager
from tests.fakes.grafana import FakeGrafana
from tests.fakes.http_server import Answer, FakeServer
from tests.unit.publish.samples import EXTERNAL_URL, OPENED

NOW = OPENED + 100
TOKEN = "glsa_s3cret-token-of-the-service-account"
HOOK_PATH = "/services/T0AAAAA/B0BBBBB/s3cret-path-of-the-hook"
TIMEOUT = 0.5  # seconds for one request


def settings(url: str, **more: Any) -> HttpSettings:
    return HttpSettings.model_validate({"url": url, "timeout_seconds": TIMEOUT, "bearer": {"token": TOKEN}, **more})


@contextlib.contextmanager
def raw(answer: bytes) -> Iterator[str]:
    """A server that reads a request, sends these bytes whatever it was, and hangs up."""

    def say(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with _talking(say) as url:
        yield url


@contextlib.contextmanager
def trickle() -> Iterator[str]:
    """A server that never stops answering, a byte at a time."""
    done = threading.Event()

    def say(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not done.wait(0.05):
            connection.sendall(b" ")

    with _talking(say) as url:
        try:
            yield url
        finally:
            done.set()


@contextlib.contextmanager
def _talking(say: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):  # the client has seen enough
                    connection.recv(65536)
                    say(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana(token=TOKEN, dashboards=("board", "second", "third", "fourth")) as server:
        yield server
        assert server.violations == []
        assert server.doubled() == 0


@pytest.fixture
def peers() -> Iterator[tuple[FakeAlertmanager, FakeAlertmanager]]:
    with FakeAlertmanager() as first, FakeAlertmanager() as second:
        yield first, second
        assert first.violations + second.violations == []


@pytest.fixture
def receiver() -> Iterator[FakeServer]:
    with FakeServer(lambda *_: Answer(200, {"ok": True})) as server:
        yield server


@pytest.fixture
async def grafana_sink(grafana: FakeGrafana, clock: ManualClock) -> AsyncIterator[GrafanaSink]:
    sink = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
    yield sink
    await sink.aclose()


@pytest.fixture
async def alertmanager_sink(
    peers: tuple[FakeAlertmanager, FakeAlertmanager], clock: ManualClock
) -> AsyncIterator[AlertmanagerSink]:
    clients = [AlertmanagerPeer(settings(peer.url)) for peer in peers]
    sink = AlertmanagerSink(clients, EXTERNAL_URL, clock)
    yield sink
    await sink.aclose()


@pytest.fixture
async def webhook_sink(receiver: FakeServer) -> AsyncIterator[WebhookSink]:
    template = BodyTemplate(BUILT_IN["json"], "body")
    origin = settings(receiver.url, headers={"X-Team": "shop"})
    sink = WebhookSink("chat", receiver.url + HOOK_PATH, template, "application/json", origin, EXTERNAL_URL)
    yield sink
    await sink.aclose()
