"""Rules of users: a regular expression that cannot take long."""

from __future__ import annotations

import re

from brain_otel.enrich.redact.seen import Seen


class Custom:
    """One of them; it has no quick test, so each text is looked at.

    Args:
        name: Of the rule.
        pattern: What must not leave.
    """

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern)
        self._instead = f"[redacted:{name}]"

    def suspects(self, seen: Seen) -> bool:
        """Always."""
        del seen
        return True

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead of what matches; of nothing there is nothing to take."""
        del key
        count = 0

        def instead(found: re.Match[str]) -> str:
            nonlocal count
            count += bool(found[0])
            return self._instead if found[0] else ""

        return self._pattern.sub(instead, text), count
