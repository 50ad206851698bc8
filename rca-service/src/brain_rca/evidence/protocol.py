"""The plug point for sources of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from brain_engine.series import Evidence


@dataclass(frozen=True, slots=True)
class Window:
    """What to fetch: ``[baseline_start, end]`` at ``step``; the onset is looked for in ``[start, end]``.

    All in seconds since the epoch; ``step``, and ``scrape``, how often samples are taken, in seconds.
    """

    baseline_start: float
    start: float
    end: float
    step: float
    scrape: float = 15.0


class EvidenceSource(Protocol):
    """Reads all signals of all entities, one query per signal.

    A signal that cannot be read is named in ``Evidence.missing``; only when nothing at all can be reached does
    ``gather`` raise ``brain_common.errors.TemporaryError``.
    """

    async def gather(self, window: Window) -> Evidence: ...

    async def aclose(self) -> None: ...
