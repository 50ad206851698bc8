"""A body is read up to its limit, and no longer than it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request

from brain_common.serving import body
from brain_common.serving.body import BodyIncomplete, BodyTooLarge, read_body

pytestmark = pytest.mark.anyio

LIMIT = 10


class Client:
    """Sends chunks, then nothing more; with ``leaves``, hangs up in the middle."""

    def __init__(
        self, chunks: Sequence[bytes], length: str | None = None, *, leaves: bool = False, stalls: bool = False
    ) -> None:
        self._chunks = list(chunks)
        self._length = length
        self._leaves = leaves
        self._stalls = stalls

    @property
    def request(self) -> Request:
        headers = [] if self._length is None else [(b"content-length", self._length.encode("latin-1"))]
        return Request({"type": "http", "method": "POST", "headers": headers}, self._receive)

    @property
    def unread(self) -> int:
        return len(self._chunks)

    async def _receive(self) -> dict[str, Any]:
        if self._chunks:
            chunk = self._chunks.pop(0)
            more = bool(self._chunks) or self._leaves or self._stalls
            return {"type": "http.request", "body": chunk, "more_body": more}
        if self._stalls:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("chunks", "length"),
    [
        ([b""], None),
        ([b""], "0"),
        ([b"0123456789"], "10"),
        ([b"01234", b"", b"56789"], None),
        ([b"0"] * 10, None),
        ([b"012"], "\u00b2"),  # a digit to Unicode, none to HTTP
        ([b"012"], "-5"),
        ([b"012"], ""),
    ],
)
async def test_a_body_within_the_limit_is_read_whole(chunks: list[bytes], length: str | None) -> None:
    assert await read_body(Client(chunks, length).request, LIMIT) == b"".join(chunks)


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    client = Client([b"0"] * 11, "11")
    with pytest.raises(BodyTooLarge):
        await read_body(client.request, LIMIT)
    assert client.unread == 11


@pytest.mark.parametrize("length", [None, "3", "0"])
async def test_a_body_that_turns_out_too_large_is_not_read_to_its_end(length: str | None) -> None:
    client = Client([b"01234"] * 100, length)
    with pytest.raises(BodyTooLarge):
        await read_body(client.request, LIMIT)
    assert client.unread == 97


async def test_a_client_that_hangs_up_leaves_no_body() -> None:
    with pytest.raises(BodyIncomplete, match="went away"):
        await read_body(Client([b"0"], "5", leaves=True).request, LIMIT)


async def test_a_client_that_stalls_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "SLOWEST_BODY", 0.01)
    with pytest.raises(BodyIncomplete, match="did not come within"):
        await read_body(Client([b"0"], "5", stalls=True).request, LIMIT)
