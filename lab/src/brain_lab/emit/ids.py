"""Identifiers that look like the real ones and are the same for the same seed.

None of them can be taken for the number of a payment card by a scanner: where an identifier might hold 13 digits in a
row, its first character is a letter.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

_ALPHANUMERIC: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def digest(*parts: object, size: int = 16) -> str:
    """`2 * size` hex digits that depend on the parts alone."""
    return blake2b("\0".join(str(part) for part in parts).encode("utf-8", "replace"), digest_size=size).hexdigest()


def uuid_of(*parts: object) -> str:
    """A version 4 UUID that depends on the parts alone."""
    return as_uuid(digest(*parts))


def as_uuid(hexed: str) -> str:
    """32 hex digits as a version 4 UUID whose first character is a letter."""
    first = "abcdef"[int(hexed[0], 16) % 6]
    variant = "89ab"[int(hexed[16], 16) % 4]
    return f"{first}{hexed[1:8]}-{hexed[8:12]}-4{hexed[13:16]}-{variant}{hexed[17:20]}-{hexed[20:32]}"


def letters_of(*parts: object, length: int = 16) -> str:
    """Capital letters and digits that depend on the parts alone, as in AWS' unique ids; `length` at most 64."""
    return "".join(_ALPHANUMERIC[byte % 32] for byte in bytes.fromhex(digest(*parts, size=length)))


def hex_columns(rng: np.random.Generator, count: int, size: int) -> list[str]:
    """`count` random identifiers of `2 * size` hex digits."""
    raw = rng.bytes(count * size).hex()
    width = 2 * size
    return [raw[at : at + width] for at in range(0, count * width, width)]


def uuid_columns(rng: np.random.Generator, count: int) -> list[str]:
    """`count` random UUIDs."""
    return [as_uuid(one) for one in hex_columns(rng, count, 16)]
