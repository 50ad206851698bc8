"""The same hour a day and a week before, as further baseline: what is usual for this time of the day and the week.

The hour before the window cannot know that traffic always doubles at nine. Where older samples are kept they are put
in front of the baseline; where none are, nothing changes, and they are not asked for at every judgement. They are only
a help: when reading them fails, the judgement goes on without, and says so.

Dependencies are taken from then, too, for what has none now: when nobody measured calls in the window and its baseline,
the graph of yesterday is most likely still true. Not so where pods run, which moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from brain_common.errors import BrainError
from brain_engine.series import CountPanel, Edge, EdgeKind, Evidence, Panel
from brain_rca.evidence.protocol import EvidenceSource, Gathered, Window

_DAY = 86400.0
_OFFSETS = ((7 * _DAY, "a week"), (_DAY, "a day"))  # oldest first: times stay in order
_LASTING = (EdgeKind.CALLS, EdgeKind.USES)
_AGED = 0.5  # what is left of a dependency's weight that was seen a day or a week ago
_NOT_YET = 600.0  # seconds: a server that has nothing from a week ago will have it then at the earliest


class WithPast:
    """Implements ``EvidenceSource`` over another one.

    Args:
        source: What is asked about the present.
        past: What is asked about the past: signals only, as nothing else has a use there.
    """

    def __init__(self, source: EvidenceSource, past: EvidenceSource) -> None:
        self._source = source
        self._past = past
        self._nothing_until: dict[float, float] = {}  # by offset: no older samples for windows that end before

    async def gather(self, window: Window) -> Gathered:
        """See ``EvidenceSource``; the times of the answer have gaps between weeks, days and the present."""
        earlier = [asyncio.create_task(self._before(window, offset)) for offset, _ in _OFFSETS]
        try:
            present = await self._source.gather(window)
            past = [await one for one in earlier]
        finally:  # nobody waits for the rest of it, whatever ended this
            for one in earlier:
                one.cancel()
            await asyncio.gather(*earlier, return_exceptions=True)
        missing = [
            f"baseline of {name} before: {error}"
            for (_, name), error in zip(_OFFSETS, past, strict=True)
            if isinstance(error, BrainError)
        ]
        known = [one for one in past if isinstance(one, Evidence) and one.panels]
        joined = _joined([*known, present.evidence]) if known else present.evidence
        remembered = _remembered(present.evidence, known[::-1])
        if remembered:
            missing.append(
                f"{len(remembered)} dependencies are those of a day or a week before: none are known from now"
            )
        return replace(
            present,
            evidence=replace(joined, edges=(*joined.edges, *remembered), missing=(*joined.missing, *missing)),
        )

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        """See ``EvidenceSource``; of the present only, and nobody looked at the past."""
        closely = await self._source.detail(window, gathered, entities)
        earlier = len(gathered.evidence.times) - len(closely.times)
        return replace(closely, counts=tuple(_unseen_before(one, earlier) for one in closely.counts))

    async def aclose(self) -> None:
        """Close the sources."""
        await self._source.aclose()
        await self._past.aclose()

    async def _before(self, window: Window, offset: float) -> Evidence | BrainError | None:
        """The baseline's hour, ``offset`` seconds earlier; not the window's: a fault may have been there then, too.

        None where no samples of that time are kept.
        """
        if window.end < self._nothing_until.get(offset, -np.inf):
            return None
        shifted = replace(
            window,
            baseline_start=window.baseline_start - offset,
            start=window.start - offset,
            end=window.start - offset - window.step,
        )
        try:
            found = (await self._past.gather(shifted)).evidence
        except BrainError as error:
            return error
        if not found.panels:
            self._nothing_until[offset] = window.end + _NOT_YET
        return found


def _remembered(present: Evidence, earlier: Sequence[Evidence]) -> tuple[Edge, ...]:
    """Dependencies of what has none of their kind in the present; of the latest of ``earlier`` that has any."""
    have = {(edge.dependent, edge.kind) for edge in present.edges}
    found: list[Edge] = []
    for part in earlier:
        old = [edge for edge in part.edges if edge.kind in _LASTING and (edge.dependent, edge.kind) not in have]
        found += [
            replace(edge, source=f"{edge.source}, earlier", weight=_AGED * edge.weight, new=False) for edge in old
        ]
        have |= {(edge.dependent, edge.kind) for edge in old}
    return tuple(found)


def _unseen_before(counts: CountPanel, earlier: int) -> CountPanel:
    """On a grid with ``earlier`` more times in front."""
    front = np.full((len(counts.entities), earlier), np.nan)
    return replace(counts, hits=np.concatenate([front, counts.hits], axis=1))


def _joined(parts: Sequence[Evidence]) -> Evidence:
    """Panels of the last part, with the earlier parts' samples in front."""
    present = parts[-1]
    earlier = [{panel.signal.name: panel for panel in part.panels} for part in parts[:-1]]
    lengths = [len(part.times) for part in parts[:-1]]
    panels = tuple(
        replace(
            panel,
            values=np.concatenate(
                [
                    *(_rows(known.get(panel.signal.name), panel, n) for known, n in zip(earlier, lengths, strict=True)),
                    panel.values,
                ],
                axis=1,
            ),
        )
        for panel in present.panels
    )
    # Of calls only the present is compared: what both ends measure at the same time needs no season.
    before = sum(lengths)
    of_calls = tuple(
        replace(one, values=np.pad(one.values, ((0, 0), (before, 0)), constant_values=np.nan))
        for one in present.edge_panels
    )
    times = np.concatenate([part.times for part in parts])
    return replace(present, times=times, panels=panels, edge_panels=of_calls)


def _rows(known: Panel | None, wanted: Panel, length: int) -> NDArray[np.float64]:
    """Samples of ``known`` for the entities of ``wanted``, in their order; NaN for those it lacks."""
    values = np.full((len(wanted.entities), length), np.nan)
    if known is None:
        return values
    row_of = {entity: row for row, entity in enumerate(known.entities)}
    for row, entity in enumerate(wanted.entities):
        if entity in row_of:
            values[row] = known.values[row_of[entity]]
    return values
