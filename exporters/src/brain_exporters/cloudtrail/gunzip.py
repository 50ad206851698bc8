"""Inflates in windows of a fixed size, however hostile the file: memory does not depend on what is in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from brain_common.errors import InputError

_GZIP = 16 + zlib.MAX_WBITS


class Truncated(InputError):  # noqa: N818 - a state of the file
    """The file ends in the middle."""


def windows(parts: Iterable[bytes], size: int, most: int) -> Iterator[bytes]:
    """Text in windows of ``size`` bytes, the last one shorter; text that is not compressed passes as it is.

    Several gzip members one after another are one text, as Firehose delivers them.

    Args:
        parts: The file.
        size: Of a window, bytes.
        most: Inflated bytes at which it is given up.

    Raises:
        Truncated: The compressed stream has no end; what was there has been given.
        InputError: It is no gzip, or larger than ``most``.
    """
    window = bytearray()
    total = 0
    try:
        for text in _inflated(parts, size):
            total += len(text)
            if total > most:
                raise InputError(f"inflates to more than {most} bytes")
            window += text
            while len(window) >= size:
                yield bytes(window[:size])
                del window[:size]
    except InputError:
        if window:
            yield bytes(window)
        raise
    if window:
        yield bytes(window)


def _inflated(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    stream = None
    plain = None
    for part in parts:
        if plain is None and part:
            plain = part[:1] != b"\x1f"  # of gzip; JSON never begins so
        if plain:
            yield part
            continue
        while part:
            stream = stream or zlib.decompressobj(_GZIP)
            try:
                yield stream.decompress(part, size)
            except zlib.error as error:
                raise InputError(f"no gzip: {error}") from error
            part = stream.unused_data if stream.eof else stream.unconsumed_tail
            stream = None if stream.eof else stream
    if stream is not None:
        yield stream.flush(size)
        if not stream.eof:
            raise Truncated("the compressed stream has no end")
