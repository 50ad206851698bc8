"""A server on a loopback port that answers each request as the test says, byte by byte if it must."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

START, STEP, COUNT = 1_700_000_000.0, 15.0, 4


@dataclass
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, str]


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Loopback:
    """Where it listens, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)


@asynccontextmanager
async def listening(answer: Callable[[Request, int], Answer]) -> AsyncIterator[Loopback]:
    """Answers the n-th request (from 0) with ``answer(request, n)``; one request a connection."""
    seen = Loopback("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            seen.requests.append(request)
            await answer(request, len(seen.requests) - 1)(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up, as some tests want it to
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield seen
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return Request(head[0].split(" ")[1], headers, form)


def plain(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An ordinary answer."""

    async def send(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return send


def packed(body: bytes) -> Answer:
    """The same, with gzip."""
    return plain(gzip.compress(body), headers={"Content-Encoding": "gzip"})


def trickling(body: bytes, pause: Callable[[], Awaitable[None]]) -> Answer:
    """One byte, a pause, one byte, … : no single read takes long."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for place in range(len(body)):
            writer.write(body[place : place + 1])
            await writer.drain()
            await pause()

    return send


def endless(chunk: bytes = b"x" * 65536) -> Answer:
    """A body that never ends."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()

    return send


def matrix(*series: tuple[Mapping[str, str], Sequence[str]], **more: object) -> bytes:
    """Prometheus' answer: each series with its values from ``START`` on, one a step."""
    result = [
        {"metric": dict(labels), "values": [[START + STEP * place, value] for place, value in enumerate(values)]}
        for labels, values in series
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more}).encode()


def refusal(text: str, kind: str = "bad_data") -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()
