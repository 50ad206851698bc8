"""The HTTP listener on a real port: what clients may do to it, and how it starts and ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from brain_common.errors import ConfigError
from brain_common.serving import connection
from brain_common.serving.config import ListenSettings, TlsSettings
from brain_common.serving.http import serving
from tests.fakes.raw_client import PATIENCE, RawClient, post, raw_client

pytestmark = pytest.mark.anyio

GET = b"GET /quick HTTP/1.1\r\nHost: brain\r\n"
MUCH = 8 << 20  # bytes, more than any kernel buffers for us on loopback


class Application:
    """Three handlers: one answers, one echoes, one waits until it is let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/quick", self._quick, methods=["GET", "POST"]),
                Route("/echo", self._echo, methods=["POST"]),
                Route("/slow", self._slow),
            ]
        )

    async def _quick(self, _: Request) -> Response:
        return PlainTextResponse("quick")

    async def _echo(self, request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def _slow(self, _: Request) -> Response:
        self.entered.set()
        await self.go.wait()
        return PlainTextResponse("slow")


@pytest.fixture
async def application() -> Application:
    return Application()


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with serving(Application().app, ListenSettings(port=0)) as port:
        yield port


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST_HEAD", 0.2)
    monkeypatch.setattr(connection, "SLOWEST_REST", 0.2)


# Well-behaved clients


async def test_a_connection_is_kept_for_the_next_request(port: int) -> None:
    async with raw_client(port) as client:
        for _ in range(3):
            await client.send(GET + b"\r\n")
            assert (await client.answer()).body == b"quick"


async def test_requests_sent_ahead_are_answered_in_order(port: int) -> None:
    async with raw_client(port) as client:
        await client.send(post("/echo", b"one") + post("/echo", b"two") + GET + b"\r\n")
        assert [(await client.answer()).body for _ in range(3)] == [b"one", b"two", b"quick"]


async def test_the_answer_does_not_say_what_serves(port: int) -> None:
    async with raw_client(port) as client:
        await client.send(GET + b"\r\n")
        assert "server" not in (await client.answer()).headers


async def test_a_long_body_in_many_pieces_is_no_long_head(port: int) -> None:
    body = b"x" * 3_000_000
    async with raw_client(port) as client:
        await client.send(post("/echo", body))
        assert (await client.answer()).body == body


async def test_a_long_body_in_many_chunks_is_no_long_head(port: int) -> None:
    async with raw_client(port) as client:
        await client.send(b"POST /echo HTTP/1.1\r\nHost: brain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            await client.send(b"1\r\nx\r\n" * 500)
        await client.send(b"0\r\n\r\n")
        assert (await client.answer()).body == b"x" * 50_000


async def test_headers_of_a_sane_length_are_read(port: int) -> None:
    async with raw_client(port) as client:
        await client.send(GET + b"X-Long: " + b"x" * 30_000 + b"\r\n\r\n")
        assert (await client.answer()).status == 200


# Others


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET /", b"a" * 65536),
        (b"GET /quick?", b"a" * 65536),
        (GET + b"X-Long: ", b"a" * 65536),
        (GET + b"", b"a: b\r\n" * 10_000),
        (GET + b"X", b"a" * 65536),
        (GET + b"\r\n" + GET + b"X-Long: ", b"a" * 65536),
        (b"POST /quick HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ", b"a" * 65536),
        (b"", b"\r\n" * 30_000),
    ],
    ids=["path", "query", "value", "headers", "name", "second", "trailer", "nothing"],
)
async def test_a_head_without_end_ends_the_connection(port: int, start: bytes, piece: bytes) -> None:
    async with raw_client(port) as client:
        await client.send(start)
        assert await client.flood(piece, MUCH) < MUCH
    await still_serves(port)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 100, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"]
)
async def test_what_is_no_http_is_told_so(port: int, garbage: bytes) -> None:
    async with raw_client(port) as client:
        await client.send(garbage + b"\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400")
    await still_serves(port)


@pytest.mark.parametrize(
    "head",
    [
        GET + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        GET + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
        GET + b"Content-Length: -1\r\n\r\n",
        GET + b"Content-Length: 0x3\r\n\r\n",
        GET + b"Transfer-Encoding: chunked, identity\r\n\r\n",
        GET + b"X : y\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
    ],
    ids=range(7),
)
async def test_a_head_that_two_servers_could_read_differently_is_refused(port: int, head: bytes) -> None:
    async with raw_client(port) as client:
        await client.send(head)
        assert (await client.answer()).status == 400


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "start", [b"", b"GET /quick HT", GET, GET + b"\r\n" + GET], ids=["idle", "line", "head", "second"]
)
async def test_a_head_that_does_not_come_is_not_waited_for(port: int, start: bytes) -> None:
    async with raw_client(port) as client:
        await client.send(start)
        assert (await client.rest()).count(b"HTTP/1.1 200") == start.count(b"\r\n\r\n")


@pytest.mark.usefixtures("impatient")
async def test_a_body_that_goes_on_after_the_answer_is_not_read_for_ever(port: int) -> None:
    async with raw_client(port) as client:
        await client.send(b"POST /quick HTTP/1.1\r\nHost: brain\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.answer()).status == 200
        await client.send(b"1\r\nx\r\n")
        assert await client.rest() == b""


@pytest.mark.usefixtures("impatient")
async def test_a_request_under_way_may_take_its_time(application: Application) -> None:
    async with serving(application.app, ListenSettings(port=0)) as port, raw_client(port) as client:
        await client.send(GET.replace(b"quick", b"slow") + b"\r\n")
        await application.entered.wait()
        for _ in range(2):
            async with raw_client(port) as idle:
                await idle.rest()  # ends when the patience with heads is over
        application.go.set()
        assert (await client.answer()).body == b"slow"


async def test_many_who_only_connect_do_not_keep_others_from_being_served(port: int) -> None:
    crowd = [RawClient(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(200)]
    try:
        await still_serves(port)
    finally:
        for client in crowd:
            await client.close()


async def still_serves(port: int) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/quick")).text == "quick"


# Start and end


async def test_a_request_under_way_is_answered_before_the_end(application: Application) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        async with serving(application.app, ListenSettings(port=0)) as port:
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
            await application.entered.wait()
            asyncio.get_running_loop().call_later(0.2, application.go.set)
        assert (await asked).text == "slow"
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/quick")


async def test_a_port_in_use_is_an_error_of_the_configuration(port: int, application: Application) -> None:
    with pytest.raises(ConfigError, match=rf"^http\.port: cannot listen on 127\.0\.0\.1:{port}: .*in use"):
        async with serving(application.app, ListenSettings(port=port)):
            pass


@pytest.mark.parametrize("host", ["203.0.113.1", "2001:db8::1"])
async def test_an_address_of_another_machine_is_an_error_of_the_configuration(
    application: Application, host: str
) -> None:
    with pytest.raises(ConfigError, match=f"^http.host: cannot listen on {host}:0"):
        async with serving(application.app, ListenSettings(host=host, port=0)):
            pass


async def test_tls_files_that_cannot_be_used_are_told_before_anything_listens(
    application: Application, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tls = TlsSettings(cert_file=tmp_path / "no.crt", key_file=tmp_path / "no.key")
    with pytest.raises(ConfigError, match=r"no\.crt"):
        async with serving(application.app, ListenSettings(port=port, tls=tls)):
            pass
    async with serving(application.app, ListenSettings(port=port)):
        await still_serves(port)
