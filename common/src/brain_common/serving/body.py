"""Reading a request body of bounded size."""

from __future__ import annotations

from starlette.requests import Request


class BodyTooLarge(Exception):  # noqa: N818 - an outcome of reading, answered with 413
    """The client sent more than allowed."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes; a longer one is refused before it is read to the end.

    Raises:
        BodyTooLarge: It is longer.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)
