"""Text that came from labels, logs and diffs, made fit for showing.

Escaping is the template engine's business; this removes what escaping leaves in place: control characters and
direction overrides that make text look like other text, half characters that no encoder accepts, endless
lengths, and links that are not plain web addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL = 2048  # what browsers and proxies accept everywhere
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\uffff]"
)
_URL = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff; ``kind`` is ``add``, ``del``, ``hunk``, ``file`` or ``same``."""

    kind: str
    text: str


def clean(text: str) -> str:
    """``text`` with everything that cannot be shown honestly replaced by U+FFFD; newline and tab stay."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def clip(text: str, length: int) -> str:
    """At most ``length`` characters, an ellipsis saying that there was more."""
    return text if len(text) <= length else text[: length - 1] + "…"


def web_address(url: str) -> str:
    """``url`` if it is a plain http(s) address that may become a link, else an empty text.

    Refuses credentials in it (they would be shown), other schemes, spaces, quotes and control characters.
    """
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.hostname and "@" not in parts.netloc else ""


def diff_lines(diff: str, limit: int, width: int) -> tuple[DiffLine, ...]:
    """The first ``limit`` lines, each at most ``width`` long, with what to colour them as."""
    lines = diff.rstrip("\n").split("\n", limit)
    shown = [DiffLine(_diff_kind(line), clip(line, width)) for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(DiffLine("hunk", "… the rest is in the JSON of this incident"))
    return tuple(shown)


def _diff_kind(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "file"
    if line.startswith("@@"):
        return "hunk"
    return {"+": "add", "-": "del"}.get(line[:1], "same")
