"""Text that may hold anything, made fit for formats that want UTF-8."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text with what UTF-8 cannot hold (lone surrogates, as `surrogateescape` makes them) replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def from_bytes(raw: bytes) -> str:
    """Bytes that a program wrote, as text; what is not UTF-8 becomes U+FFFD."""
    return raw.decode("utf-8", "replace")
