"""Rule ``hl7``: segments of HL7 v2 messages that say who the patient is, family and insurance included.

Which of the fields of such a segment hold an identifier, and in which component, differs from site to site, so all
fields go: ``PID|[redacted:hl7]``. HL7 v2.5.1, chapters 3 and 6:
http://www.hl7.org/implement/standards/product_brief.cfm?product_id=144
"""

from __future__ import annotations

import re
from typing import Final

from brain_otel.enrich.redact.seen import Seen

_SEGMENTS: Final = ("PID", "NK1", "MRG", "GT1", "IN1", "IN2")
_INSTEAD: Final = "[redacted:hl7]"
# Segments end with a carriage return; in a log it may be a line feed, or either of them escaped as in JSON or HL7.
_FIELDS: Final = re.compile(
    rf"(?:(?<![A-Za-z0-9])|(?<=\\[rn])|(?<=\\u000[dDaA]))({'|'.join(_SEGMENTS)})\|(?!{re.escape(_INSTEAD)})"
    r"(?:[^\r\n\x0b\x1c\\]|\\(?![rn]|u000[dDaA]|X0[DdAa]\\))+"
)


class Hl7:
    """Looks for them anywhere."""

    name = "hl7"

    def suspects(self, seen: Seen) -> bool:
        """Whether the name of a segment and its first separator are there."""
        return b"AAA|" in seen.shape or b"AA0|" in seen.shape

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead of their fields."""
        del key
        return _FIELDS.subn(rf"\1|{_INSTEAD}", text)
