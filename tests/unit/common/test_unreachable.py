"""Who cannot be reached: in which words it is told, and that of many questions only some wait for it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from brain_common.clients import fetch
from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.http import transport_error
from brain_common.errors import TemporaryError, UnreachableError

pytestmark = pytest.mark.anyio
URL = "http://server:9090"
REFUSED = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)")
LEGACY = ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol")


def settings(**given: object) -> FetchSettings:
    return FetchSettings.model_validate({"url": URL, "headers": {"X-Token": "s3cret"}, **given})


def wrapped(words: str, *causes: BaseException) -> httpx.TransportError:
    """As httpx does: each the cause of the one before."""
    error: BaseException = causes[-1]
    for cause in reversed(causes[:-1]):
        cause.__cause__ = error
        error = cause
    top = httpx.ConnectError(words)
    top.__cause__ = error
    return top


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (wrapped("All connection attempts failed", OSError("All"), REFUSED), UnreachableError, "Connection refused"),
        (
            wrapped("All connection attempts failed", OSError("All"), ExceptionGroup("several", [REFUSED, OSError()])),
            UnreachableError,
            "Connection refused",
        ),
        (wrapped("x", socket.gaierror(-2, "Name or service not known")), UnreachableError, "Name or service not known"),
        (wrapped("", EOFError(), LEGACY), UnreachableError, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in"),
        (httpx.ConnectError("no route for s3cret"), UnreachableError, "no route for ***"),
        (httpx.ConnectError(""), UnreachableError, "ConnectError"),
        (httpx.ConnectTimeout(""), UnreachableError, "no connection within 7.5 s"),
        (httpx.ReadTimeout(""), TemporaryError, "no answer within 10 s"),
        (httpx.RemoteProtocolError("Server disconnected"), TemporaryError, "Server disconnected"),
        (httpx.ReadError(""), TemporaryError, "ReadError"),
    ],
    ids=["refused", "of two addresses", "no name", "TLS", "a secret", "no words", "no way", "slow", "rude", "silent"],
)
async def test_the_innermost_words_are_told(error: httpx.TransportError, kind: type[Exception], words: str) -> None:
    told = transport_error("Server", settings(), error)
    assert type(told) is kind
    assert str(told).startswith(f"Server{' cannot be reached' if kind is UnreachableError else ''}: {words}")


async def test_causes_that_go_in_circles_end() -> None:
    one, other = OSError("one"), OSError("other")
    one.__cause__, other.__cause__ = other, one
    assert isinstance(transport_error("Server", settings(), wrapped("x", one)), UnreachableError)


class Server(httpx.AsyncBaseTransport):
    """Answers in turn with what it is given; raises errors."""

    def __init__(self, answer: Callable[[], httpx.Response]) -> None:
        self.answer = answer
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(0)  # others get a turn, as while a connection is made
        return self.answer()


def refuse() -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_of_many_questions_only_some_wait_for_a_server_that_is_away() -> None:
    server = Server(refuse)
    one = Fetcher("Server", settings(deadline_seconds=1.0, most_queries=2), server)
    found = await asyncio.gather(*(one.get("/", {}) for _ in range(50)), return_exceptions=True)
    assert {(type(error), str(error)) for error in found} == {
        (UnreachableError, f"Server {URL} cannot be reached: refused")
    }
    assert server.asked <= 4  # two at the same time, each once or twice in a tenth of a second
    await one.aclose()


async def test_who_asks_later_hears_what_is_true_then() -> None:
    server = Server(refuse)
    one = Fetcher("Server", settings(deadline_seconds=0.1), server)
    with pytest.raises(UnreachableError):
        await one.get("/", {})
    server.answer = lambda: httpx.Response(200, content=b"here")
    assert await one.get("/", {}) == b"here"
    await one.aclose()


async def test_nobody_waits_again_right_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=lambda: now[0]))
    server = Server(refuse)
    one = Fetcher("Server", settings(deadline_seconds=4.0), server)
    asked = []
    for later in (0.0, 1.0, 1.0, 5.0):
        now[0], before = now[0] + later, server.asked
        with pytest.raises(UnreachableError):
            await one.get("/", {})
        asked.append(server.asked - before)
    assert asked[1:3] == [1, 1]
    assert asked[0] > 1
    assert asked[3] > 1
    await one.aclose()
