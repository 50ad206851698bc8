"""JSON of servers that repeat what programs wrote: bytes that are no UTF-8, halves of surrogate pairs."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from brain_common.errors import PermanentError

T = TypeVar("T")


def decoded(body: bytes, kind: type[T], server: str, trouble: str = "is not what its API says") -> T:
    """``body`` as ``kind``.

    The quick and strict decoder comes first; what it refuses is read once more with wrong characters replaced.

    Args:
        body: What the server answered.
        kind: A ``msgspec.Struct``.
        server: Its name, for messages.
        trouble: What messages say of an answer that is something else.

    Raises:
        PermanentError: It is no JSON, or of another shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        text = json.dumps(json.loads(body.decode(errors="replace")), ensure_ascii=False)
        return msgspec.json.decode(text.encode(errors="replace"), type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise PermanentError(f"{server}: the answer {trouble}: {str(error)[:200]}") from error
