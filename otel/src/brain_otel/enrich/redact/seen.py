"""A message as bytes, in the forms that rules look at to decide whether a closer look is worth it.

Every text of a message stands in its encoding as it is, so what is nowhere in the bytes is nowhere in the texts. The
bytes of a thousand records are searched in the time that it takes to read one attribute of each.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

_DIGITS: Final = b"0123456789"
_SEPARATORS: Final = b" .-"
_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _form(byte: int) -> str:
    for form, members in (("0", _DIGITS), (" ", _SEPARATORS), ("A", _CAPITALS), ("|", b"|")):
        if byte in members:
            return form
    return "x"


_SHAPE: Final = "".join(map(_form, range(256))).encode()

_WORDS: Final = bytes(byte | 0x20 if chr(byte).isalpha() and byte < 0x80 else 0 for byte in range(256))


class Seen:
    """Bytes, and what can be made of them, made when first asked for.

    Attributes:
        data: The encoding.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def words(self) -> bytes:
        """Letters in lower case, all else as zero: the fewer different bytes, the faster a word is found."""
        return self.data.translate(_WORDS)

    @cached_property
    def shape(self) -> bytes:
        """Digits as ``0``, capitals as ``A``, space, dot and dash as a space, ``|`` as it is, all else as ``x``."""
        return self.data.translate(_SHAPE)
