"""Reading a request body of bounded size, in bounded time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

SLOWEST_BODY = 30.0  # seconds; at 8 MiB a client sends 300 KiB a second at least


class BodyTooLarge(Exception):  # noqa: N818 - an outcome of reading, answered with 413
    """The client sent more than allowed."""


class BodyIncomplete(Exception):  # noqa: N818 - an outcome of reading, answered with 503
    """The client was too slow, or went away; the message says which."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes; a longer one is refused before it is read to the end.

    Raises:
        BodyTooLarge: It is longer.
        BodyIncomplete: Its end did not come.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await _read(request, limit)
    except TimeoutError as error:
        raise BodyIncomplete(f"the body did not come within {SLOWEST_BODY:.0f} s") from error
    except ClientDisconnect as error:
        raise BodyIncomplete("the client went away before the end of the body") from error


async def _read(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)
