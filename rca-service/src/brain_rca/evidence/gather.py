"""All sources asked at the same time, each with its own deadline; what one lacks, the answer says and goes without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from brain_common.errors import BrainError, TemporaryError
from brain_engine.series import Evidence
from brain_rca.evidence.alone import Queries
from brain_rca.evidence.assemble import assemble, identity_of
from brain_rca.evidence.nowhere import leading_nowhere
from brain_rca.evidence.protocol import Focus, Gathered, PartSource, Window
from brain_rca.evidence.raw import RawEdge, RawEvidence, merged


class Gatherer:
    """Implements ``EvidenceSource``.

    Args:
        first: Asked about all entities.
        then: Asked about what deviates.
        aliases: Names of one thing, from the configuration.
        declared: Dependencies that are always true, from the configuration.
    """

    def __init__(
        self,
        first: Sequence[PartSource],
        then: Sequence[PartSource] = (),
        aliases: Mapping[str, str] | None = None,
        declared: Sequence[RawEdge] = (),
    ) -> None:
        self._first, self._then = tuple(first), tuple(then)
        self._aliases = dict(aliases or {})
        self._declared = RawEvidence(edges=declared)

    async def gather(self, window: Window) -> Gathered:
        """See ``EvidenceSource``."""
        answers = await asyncio.gather(*(_read(source, window, None) for source in self._first))
        failed = [answer for answer in answers if isinstance(answer, str)]
        if failed and len(failed) == len(answers):
            raise TemporaryError(failed[0])
        raw = _joined([*answers, self._declared])
        # Thousands of series take a while to be named; the event loop has notifications to answer.
        return await asyncio.to_thread(self._assembled, window, raw)

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        """See ``EvidenceSource``."""
        focus = Focus(gathered.identity.known_as(entities))
        answers = await asyncio.gather(*(_read(source, window, focus) for source in self._then))
        return await asyncio.to_thread(assemble, window, _joined(answers), gathered.identity)

    async def aclose(self) -> None:
        """Close all sources."""
        for source in (*self._first, *self._then):
            await source.aclose()

    def _assembled(self, window: Window, raw: RawEvidence) -> Gathered:
        identity = identity_of(raw, self._aliases)
        if self._declared.edges:
            raw = replace(raw, missing=[*raw.missing, *leading_nowhere(raw, identity)])
        return Gathered(assemble(window, raw, identity), identity, Queries(raw.panels, identity))


async def _read(source: PartSource, window: Window, focus: Focus | None) -> RawEvidence | str:
    """What a source says; a sentence where it says nothing."""
    try:
        async with asyncio.timeout(source.deadline_seconds):
            return await source.read(window, focus)
    except TimeoutError:
        return f"{source.name}: no answer within {source.deadline_seconds:g} s"
    except BrainError as error:
        return _of(source.name, str(error))


def _of(name: str, problem: str) -> str:
    return problem if problem.casefold().startswith(name.casefold()) else f"{name}: {problem}"


def _joined(answers: Sequence[RawEvidence | str]) -> RawEvidence:
    silent = RawEvidence(missing=[answer for answer in answers if isinstance(answer, str)])
    return merged([*(answer for answer in answers if isinstance(answer, RawEvidence)), silent])
