"""Text that others wrote, as it is kept: names must be the same whether an alert, a series or a log line says them."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 4096
"""Characters of a value that are kept."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """``text`` without control characters, cut to a sane length."""
    if text.isprintable() and len(text) <= LONGEST:  # nearly always, and ten times as fast
        return text
    return _CONTROL.sub("", text[:LONGEST])
