"""The lines of a watch, cut out of the bytes as they come; no line can fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LONGEST_LINE: Final = 4 << 20
"""Bytes; etcd takes objects of 1.5 MiB by default, which JSON may more than double."""


class Lines:
    """Cuts a stream of bytes into lines; one that is too long comes cut off, and so fails to decode."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that are complete now, without their ends; empty ones are none."""
        *done, rest = (self._rest + chunk if self._rest else chunk).split(b"\n")
        for line in done:
            if self._skipping:
                self._skipping = False
            elif line:
                yield line
        if len(rest) > self._longest:
            if not self._skipping:
                yield rest[:1024]
            self._skipping, rest = True, b""
        self._rest = rest
