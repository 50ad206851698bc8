"""The plug points for evidence: what is asked of each source, and what the judgement asks of all together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from brain_common.entity import Entity
from brain_engine.series import Evidence
from brain_rca.evidence.raw import RawEvidence
from brain_rca.scope.identity import Identity


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


@dataclass(frozen=True, slots=True)
class Focus:
    """What is looked at closely: under every name by which any source knows it."""

    entities: frozenset[Entity]


class PartSource(Protocol):
    """One place to read from: a Prometheus, the lake, Loki, Tempo …

    Attributes:
        name: For people and configuration, such as ``loki``.
        deadline_seconds: After which it is left out.
    """

    name: str
    deadline_seconds: float

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """Everything of a window, bounded in size; what could not be read is named in ``missing``.

        ``focus`` is None for sources that are asked first, about all entities at once, and given to those that are
        asked afterwards about what deviates.

        Raises:
            BrainError: Nothing at all could be read.
        """
        ...

    async def aclose(self) -> None: ...


QueryOf = Callable[[str, str], str]
"""From a signal and an entity to the query that shows that one alone; empty where there is none."""


def no_query(signal: str, entity: str) -> str:
    """A ``QueryOf`` for who has nothing that can be asked."""
    return ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Evidence, how names of sources became names of the evidence, and where people find a series again."""

    evidence: Evidence
    identity: Identity
    query_of: QueryOf = no_query


class EvidenceSource(Protocol):
    """Everything that can be known about a window, in two steps: all entities roughly, then what deviates closely."""

    async def gather(self, window: Window) -> Gathered:
        """All signals of all entities, one query a signal.

        What cannot be read is named in ``Evidence.missing``.

        Raises:
            TemporaryError: Nothing at all could be reached.
        """
        ...

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        """What logs and traces tell of ``entities``: counts, spans, lines; what cannot be read is in ``missing``."""
        ...

    async def aclose(self) -> None: ...
