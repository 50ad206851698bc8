"""What was learnt before about a cause, as evidence on the scale of all other evidence.

The engine does not remember: whoever does hands in a ``PriorOf``. It is asked with the fault a candidate looks like,
since a database whose disk fills up now and then is not for that reason the likelier cause of slow answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST_NATS = 1.5
"""Of a prior, either way: 4.5 to 1. What is measured now can always outweigh what was true before."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What was learnt about one candidate.

    Attributes:
        nats: Added to its log-odds; negative speaks against it; kept within ``MOST_NATS`` either way.
        words: Why, for people; empty when nothing is known.
    """

    nats: float = 0.0
    words: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nats", min(max(self.nats, -MOST_NATS), MOST_NATS))


UNKNOWN = Prior()

PriorOf = Callable[[str, str], Prior]
"""From an entity and a fault kind to what was learnt about the two."""


def nothing_known(entity: str, fault_kind: str) -> Prior:
    """The prior of who has learnt nothing."""
    return UNKNOWN
