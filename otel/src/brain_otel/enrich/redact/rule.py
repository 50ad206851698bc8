"""What a rule of redaction is."""

from __future__ import annotations

from typing import Protocol

from brain_otel.enrich.redact.seen import Seen


class Rule(Protocol):
    """Finds one kind of thing that must not leave."""

    @property
    def name(self) -> str:
        """In the configuration, in what is written instead, and in the metric."""
        ...

    def suspects(self, seen: Seen) -> bool:
        """Whether it may be in a message; never False where ``redact`` would change a text of it. Has to be quick."""
        ...

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """The text without it, and how often it was there; of its own result it changes nothing.

        Args:
            text: Any text of a message, or a whole number in digits.
            key: Of the attribute that it is the value of; empty where there is none.
        """
        ...
