"""An HTTP client that does what well-behaved ones never do: sends any bytes, at any pace, and stops anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

PATIENCE = 10.0  # seconds that anything on loopback may take on a busy machine


@dataclass(frozen=True)
class RawAnswer:
    """One response."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> RawAnswer:
        """The next response on the connection."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return RawAnswer(int(head[0].split()[1]), headers, body)

    async def rest(self) -> bytes:
        """Everything until the other side closes the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    async def flood(self, piece: bytes, limit: int) -> int:
        """Send ``piece`` again and again until the other side closes, at most ``limit`` bytes; returns how many."""
        sent = 0
        async with asyncio.timeout(PATIENCE):
            try:
                while sent < limit:
                    await self.send(piece)
                    sent += len(piece)
            except ConnectionError:
                pass
        return sent

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def raw_client(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
    """Connect to a port of the loopback while the block runs."""
    async with asyncio.timeout(PATIENCE):
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port, ssl=tls))
    try:
        yield client
    finally:
        await client.close()


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A whole request; underscores in names of headers stand for hyphens."""
    lines = [f"POST {path} HTTP/1.1", "Host: brain", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
