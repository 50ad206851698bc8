"""Snappy's block format without compression, as Prometheus' remote write insists on some Snappy.

A block is the length of its content, then elements; a content that is one literal is a valid block
(https://github.com/google/snappy/blob/main/format_description.txt, section 2.1). It goes over loopback, so that nothing
is lost by it but a library.
"""

from __future__ import annotations

from typing import Final

_LITERAL_OF_FOUR_BYTES: Final = 63 << 2
"""Tag of a literal whose length less one stands in the four bytes behind it."""


def block(content: bytes) -> bytes:
    """The content as a Snappy block."""
    head = varint(len(content))
    if not content:
        return head
    return head + bytes([_LITERAL_OF_FOUR_BYTES]) + (len(content) - 1).to_bytes(4, "little") + content


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, lowest first: as Protocol Buffers have it, too."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
