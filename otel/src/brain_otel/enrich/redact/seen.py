"""A message as bytes, in the forms that rules look at to decide whether a closer look is worth it.

Every text of a message stands in its encoding as it is, so what is nowhere in the bytes is nowhere in the texts. The
bytes of a thousand records are searched in the time that it takes to read one attribute of each.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

_DIGITS: Final = b"0123456789"
_SEPARATORS: Final = b" .-"
_SHAPE: Final = bytes(
    ord("0") if byte in _DIGITS else ord(" ") if byte in _SEPARATORS else ord("x") for byte in range(256)
)


class Seen:
    """Bytes, and what can be made of them, made when first asked for.

    Attributes:
        data: The encoding.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def lower(self) -> bytes:
        """In lower case, as far as it is ASCII."""
        return self.data.lower()

    @cached_property
    def shape(self) -> bytes:
        """Digits as ``0``, space, dot and dash as a space, all else as ``x``, at their places."""
        return self.data.translate(_SHAPE)
