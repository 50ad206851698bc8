"""Judging with one thing taken away, to see what it is worth: a kind of signal, or an idea of the ranker."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_common.errors import ConfigError, InputError
from brain_engine.plugins import UnknownPluginError, load_ranker
from brain_engine.rank.ideas import WithIdeas
from brain_engine.rank.protocol import Ranker
from brain_engine.series import CountPanel, Evidence, Family, Panel
from brain_rca.evidence.protocol import EvidenceSource, Gathered, Window

_OTHERS: Final = ("edges", "events", "logs", "traces", "counts")
SIGNALS: Final = (*(family.value for family in Family), *_OTHERS)
"""Families of metrics, and what else evidence is made of."""


class Without:
    """Implements ``EvidenceSource``: another one's evidence, but for one of ``SIGNALS``."""

    def __init__(self, source: EvidenceSource, signal: str) -> None:
        self._source = source
        self._signal = signal

    async def gather(self, window: Window) -> Gathered:
        """See ``EvidenceSource``."""
        gathered = await self._source.gather(window)
        return replace(gathered, evidence=without(gathered.evidence, self._signal))

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        """See ``EvidenceSource``."""
        return without(await self._source.detail(window, gathered, entities), self._signal)

    async def aclose(self) -> None:
        """Close the other one."""
        await self._source.aclose()


def without(evidence: Evidence, signal: str) -> Evidence:
    """The evidence but for one of ``SIGNALS``."""
    return replace(
        evidence,
        panels=tuple(panel for panel in evidence.panels if not _is(panel, signal)),
        counts=tuple(panel for panel in evidence.counts if not _is(panel, signal) and signal != "counts"),
        edges=() if signal == "edges" else evidence.edges,
        events=() if signal == "events" else evidence.events,
        lines=None if signal == "logs" else evidence.lines,
        spans=None if signal == "traces" else evidence.spans,
    )


def _is(panel: Panel | CountPanel, signal: str) -> bool:
    return panel.signal.family == signal or panel.signal.name.startswith(_prefix(signal))


def _prefix(signal: str) -> str:
    """How the counts made of log lines and of spans are named in the catalogue."""
    return {"logs": "log_", "traces": "trace_"}.get(signal, "\0")


def ideas_of(name: str) -> tuple[str, ...]:
    """What can be left out of the ranker registered as ``name``.

    Raises:
        ConfigError: There is no such ranker.
    """
    ranker = ranker_named(name)
    return ranker.ideas if isinstance(ranker, WithIdeas) else ()


def ranker_without(name: str, idea: str) -> Ranker:
    """The ranker registered as ``name``, without one of its ideas.

    Raises:
        ConfigError: There is no such ranker.
        InputError: It has no such idea.
    """
    ranker = ranker_named(name)
    ideas = ranker.ideas if isinstance(ranker, WithIdeas) else ()
    if not isinstance(ranker, WithIdeas) or idea not in ideas:
        raise InputError(f"--ablate: {idea!r} is none of {', '.join((*SIGNALS, *ideas))}")
    return ranker.without(idea)


def ranker_named(name: str) -> Ranker:
    """The ranker registered as ``name``.

    Raises:
        ConfigError: There is no such ranker.
    """
    try:
        return load_ranker(name)
    except UnknownPluginError as error:
        raise ConfigError(f"--ranker: {error}") from error
