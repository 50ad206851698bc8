"""Which annotations of an incident exist, as far as this service knows; kept in ``Delivery.external_id``.

Called by the Grafana sink. Losing it costs a search by tags, never a second annotation. As text: one
``<id>@<dashboard uid>`` for each target, joined by commas, followed by marks: ``~`` it stands in the
organisation since its dashboard was not to be had, ``+`` it was created again after somebody deleted it,
``?`` another one may turn up since the answer to an earlier creation never came. Id 0: somebody deleted it
twice, and means it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final, Self

_ENTRY: Final = re.compile(r"(\d{1,18})@([A-Za-z0-9_-]{0,40})([~+?]{0,3})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One annotation."""

    id: int
    in_organisation: bool = False  # although a dashboard was meant
    created_again: bool = False
    unsure: bool = False

    @property
    def withdrawn(self) -> bool:
        """Not wanted by people; leave it alone."""
        return self.id == 0


@dataclass(slots=True)
class Ledger:
    """Entries by the dashboard uid that was meant; an empty uid is the organisation."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; what cannot be read is forgotten."""
        entries: dict[str, Entry] = {}
        for part in text.split(","):
            if match := _ENTRY.fullmatch(part):
                marks = match[3]
                entries[match[2]] = Entry(int(match[1]), "~" in marks, "+" in marks, "?" in marks)
        return cls(entries)

    def text(self) -> str:
        """The text form."""
        return ",".join(f"{entry.id}@{uid}{_marks(entry)}" for uid, entry in sorted(self.entries.items()))

    @property
    def unsure(self) -> bool:
        """Whether to look for doubles."""
        return any(entry.unsure for entry in self.entries.values())

    @property
    def organisation(self) -> Entry | None:
        """The one that stands in the organisation, whatever was meant."""
        return next((e for uid, e in self.entries.items() if not e.withdrawn and (e.in_organisation or not uid)), None)

    def doubt(self) -> None:
        """An earlier attempt failed: what it asked for may still happen."""
        self.entries = {uid: replace(entry, unsure=True) for uid, entry in self.entries.items()}

    def settle(self) -> None:
        """Doubles were looked for: forget the doubt."""
        self.entries = {uid: replace(entry, unsure=False) for uid, entry in self.entries.items()}


def _marks(entry: Entry) -> str:
    return "~" * entry.in_organisation + "+" * entry.created_again + "?" * entry.unsure
