"""What every sink promises (``brain_rca.publish.sink.Sink``), whatever is at the other end."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.grafana import GrafanaAnnotations
from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.publish.alertmanager import AlertmanagerSink
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.sink import Sink
from brain_rca.publish.webhook import WebhookSink
from brain_rca.publish.webhook_template import BUILT_IN, BodyTemplate
from tests.contract.publish.conftest import HOOK_PATH, NOW, TOKEN, raw, settings
from tests.fakes.http_server import Answer, FakeServer
from tests.unit.publish.samples import EXTERNAL_URL, incident, told

pytestmark = pytest.mark.anyio

Build = Callable[[str], Sink]


def grafana(url: str) -> Sink:
    return GrafanaSink(GrafanaAnnotations(settings(url)), EXTERNAL_URL, ManualClock(NOW))


def alertmanager(url: str) -> Sink:
    return AlertmanagerSink([AlertmanagerPeer(settings(url))], EXTERNAL_URL, ManualClock(NOW))


def webhook(url: str) -> Sink:
    template = BodyTemplate(BUILT_IN["chat"], "body")
    return WebhookSink("chat", url + HOOK_PATH, template, "application/json", settings(url), EXTERNAL_URL)


every_sink = pytest.mark.parametrize("build", [grafana, alertmanager, webhook])


async def problem(sink: Sink) -> Exception:
    """What publishing raises; always one of the product's own."""
    try:
        with pytest.raises((TemporaryError, PermanentError)) as caught:
            await sink.publish(incident(), told(sink.name))
    finally:
        await sink.aclose()
    return caught.value


@every_sink
async def test_it_has_a_name_and_a_pace(build: Build) -> None:
    sink = build("http://127.0.0.1:1")
    assert sink.name
    assert sink.min_interval_seconds >= 0
    assert sink.refresh_seconds is None or sink.refresh_seconds >= 10
    await sink.aclose()


@every_sink
@pytest.mark.parametrize("status", [500, 503, 429])
async def test_what_may_heal_is_temporary(build: Build, status: int) -> None:
    with FakeServer(lambda *_: Answer(status, {"message": f"sorry Bearer {TOKEN}"})) as server:
        error = await problem(build(server.url))
    assert isinstance(error, TemporaryError)
    assert TOKEN not in str(error)
    assert server.url.removeprefix("http://") in str(error)


@every_sink
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
async def test_what_will_not_is_permanent(build: Build, status: int) -> None:
    elsewhere = {"Location": "http://127.0.0.1:1/"}
    with FakeServer(lambda *_: Answer(status, {"message": f"no {TOKEN}"}, elsewhere)) as server:
        error = await problem(build(server.url))
    assert isinstance(error, PermanentError)
    assert TOKEN not in str(error)
    assert len(server.requests) == 1


@every_sink
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 500 No\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 503 \xff\xfe\r\nContent-Length: 2\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n\xff\xfe",
    ],
    ids=["nothing", "ssh", "short", "status", "gzip", "header", "bytes"],
)
async def test_whatever_answers_it_is_one_of_the_products_own_errors(build: Build, answer: bytes) -> None:
    with raw(answer) as url:
        error = await problem(build(url))
    assert url.removeprefix("http://") in str(error)
    assert len(str(error)) < 600


@every_sink
async def test_nobody_there_is_temporary(build: Build) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(await problem(build(f"http://127.0.0.1:{port}")), TemporaryError)


@every_sink
async def test_a_name_that_does_not_exist_is_temporary(build: Build) -> None:
    assert isinstance(await problem(build("http://nobody.invalid:1")), TemporaryError)
