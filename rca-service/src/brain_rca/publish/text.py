"""Makes text from labels, logs and servers harmless and short before it is sent anywhere.

Called by every sink, by the delivery worker, and for what events say. It decides nothing about content: what is
said about an incident is in ``summary``. Escaping for a format (HTML, JSON) is the last step and belongs to the
sink that writes it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from brain_rca.text import INVISIBLE

ELLIPSIS: Final = "…"

_LOOK_AHEAD: Final = 4  # characters read for one kept, so that a megabyte of blanks costs nothing


def clean(text: str, limit: int) -> str:
    """One line of visible characters, at most ``limit`` of them; an ellipsis marks a cut."""
    head = text[: limit * _LOOK_AHEAD]
    visible = "".join(" " if unicodedata.category(c) in INVISIBLE else c for c in head)
    line = " ".join(visible.split())
    if len(line) <= limit and len(text) == len(head):
        return line
    return line[: limit - 1].rstrip() + ELLIPSIS
