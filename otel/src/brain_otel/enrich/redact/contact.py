"""Rules ``email`` and ``phone``: asked for by name, since operators need addresses more often than they leak."""

from __future__ import annotations

import re
from typing import Final

from brain_otel.enrich.redact.seen import Seen

_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_PHONE: Final = re.compile(
    r"(?<![A-Za-z0-9.+])(?:\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}"
    r"|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4})(?![A-Za-z0-9-])"
)


class Email:
    """Looks for mail addresses."""

    name = "email"

    def suspects(self, seen: Seen) -> bool:
        """Whether there is an at sign."""
        return b"@" in seen.data

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead."""
        del key
        return _EMAIL.subn("[redacted:email]", text)


class Phone:
    """Looks for telephone numbers: international ones with a plus, and those of North America as they are written."""

    name = "phone"

    def suspects(self, seen: Seen) -> bool:
        """Whether there is a plus, or three and four digits with a separator between."""
        return b"+" in seen.data or b"000 0000" in seen.shape

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead."""
        del key
        return _PHONE.subn("[redacted:phone]", text)
