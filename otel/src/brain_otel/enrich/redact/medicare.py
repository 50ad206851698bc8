"""Rule ``mbi``: Medicare Beneficiary Identifiers, known by their form alone.

Eleven places, each of which is a digit or one of twenty letters, with or without two dashes, in capitals:
https://www.cms.gov/medicare/new-medicare-card/understanding-new-medicare-beneficiary-identifier-mbi-format
An id of eleven random capitals and digits has this form by chance once in ten thousand times.
"""

from __future__ import annotations

import re
from typing import Final

from brain_otel.enrich.redact.seen import Seen

_LETTER: Final = "[AC-HJKMNP-RT-Y]"
_EITHER: Final = "[AC-HJKMNP-RT-Y0-9]"
_MBI: Final = re.compile(
    rf"(?<![A-Za-z0-9])[1-9]{_LETTER}{_EITHER}[0-9](?P<dash>-?){_LETTER}{_EITHER}[0-9](?P=dash){_LETTER}{{2}}[0-9]{{2}}"
    r"(?![A-Za-z0-9])"
)
_ENDS: Final = (b"0AA00", b"0 AA00")
_INSTEAD: Final = "[redacted:mbi]"


class Medicare:
    """Looks for them anywhere."""

    name = "mbi"

    def suspects(self, seen: Seen) -> bool:
        """Whether there are two capitals between digits."""
        return any(end in seen.shape for end in _ENDS)

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead."""
        del key
        return _MBI.subn(_INSTEAD, text)
