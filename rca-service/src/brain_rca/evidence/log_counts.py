"""From log lines to counts: how often each entity wrote a line of each kind, in each step.

Lines are read in spans of time, of each of which the earliest so many. Where there were more, the rest of the span is
not known, and is said to be so (NaN) rather than taken for silence: before and during an incident are then compared by
what was really seen. Where not even one step was seen whole, its count is scaled up, so that a flood remains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity
from brain_common.logs import mask
from brain_engine.logs.levels import ERROR, WARN
from brain_engine.logs.masks import LONGEST_LINE
from brain_engine.logs.severity import severity_of
from brain_engine.logs.templates import TemplateMiner
from brain_engine.series import Direction, Family, Signal
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawCounts

ERRORS: Final = Signal("log_errors", Family.ERRORS, "lines", Direction.UP)
"""Lines of level WARN and above."""
LINES: Final = Signal("log_templates", Family.LOAD, "lines", Direction.BOTH)
"""All other lines; traffic decides how many there are."""

MOST_ROWS: Final = 1000  # of a signal: rarer templates of further entities are left out
_SPANS: Final = 12  # in which a window is read
_MOST_SCALE: Final = 1e4
_SERVER_ERROR: Final = re.compile(r'HTTP/[12]\.[01]" 5\d\d\b')


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line; ``at`` in seconds since the epoch, ``severity`` as OTLP's number, 0 where it is for the text to say."""

    at: float
    entity: Entity
    severity: int
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of a span of time.

    Attributes:
        start: Seconds since the epoch; on the grid.
        until: Up to where all lines were read.
        end: Where the span ends.
        entities: Whose lines they would be.
        records: Of ``[start, until)``, oldest first.
    """

    start: float
    until: float
    end: float
    entities: frozenset[Entity]
    records: Sequence[LogRecord]


def spans_of(window: Window) -> list[tuple[float, float]]:
    """The spans in which a window is read: whole steps, up to its end."""
    steps = len(grid(window)) - 1
    borders = np.unique(np.linspace(0, steps, min(_SPANS, max(steps, 1)) + 1).round())
    times = window.baseline_start + window.step * borders
    return [(float(start), float(end)) for start, end in pairwise(times)]


def span(
    start: float, end: float, entities: frozenset[Entity], records: Sequence[LogRecord], last: float | None
) -> Span:
    """A span; ``last``, where as many lines came as were asked for, is when the last of them was written.

    Later ones are not known then; before it everything is, whoever wrote it. None where all lines came.
    """
    if last is None:
        return Span(start, end, end, entities, records)
    # Of the last moment some lines may be lacking.
    until = min(max(last, start), end)
    return Span(start, until, end, entities, [record for record in records if record.at < until])


def counts_of(window: Window, spans: Sequence[Span], miner: TemplateMiner) -> tuple[list[RawCounts], list[str]]:
    """Counts of templates by entity and step, and what they lack, in words."""
    records = [record for one in spans for record in one.records]
    texts = [mask(record.text[: 2 * LONGEST_LINE]) for record in records]
    severe = np.array([_severity(record, text) >= WARN for record, text in zip(records, texts, strict=True)], bool)
    seen = _Seen(window, spans)
    counts, missing = [], seen.gaps()
    for signal, chosen in ((ERRORS, np.flatnonzero(severe)), (LINES, np.flatnonzero(~severe))):
        if len(chosen):
            of_signal, left_out = seen.counted(signal, [records[i] for i in chosen], [texts[i] for i in chosen], miner)
            counts.append(of_signal)
            missing += [f"{left_out} rare log templates are left out"] if left_out else []
    return counts, missing


def _severity(record: LogRecord, text: str) -> int:
    if record.severity:
        return record.severity
    found = severity_of(text)
    if found is not None:
        return found.number
    return ERROR if _SERVER_ERROR.search(text[:LONGEST_LINE]) else 0


class _Seen:
    """What of each entity was looked at: [E, T] what a count in a step has to be multiplied with, NaN for unseen."""

    def __init__(self, window: Window, spans: Iterable[Span]) -> None:
        self._window = window
        self._spans = list(spans)
        self._times = grid(window)
        self._entities = sorted({entity for one in self._spans for entity in one.entities})
        self._place = {entity: place for place, entity in enumerate(self._entities)}
        self._scale = np.full((len(self._entities), len(self._times)), np.nan)
        for one in self._spans:
            rows = [self._place[entity] for entity in sorted(one.entities)]
            self._scale[rows] = np.fmin(self._scale[rows], _scale(one, self._times, window.step))

    def gaps(self) -> list[str]:
        cut = [one for one in self._spans if one.until < one.end]
        if not cut:
            return []
        unseen = sum(one.end - one.until for one in cut) / sum(one.end - one.start for one in self._spans)
        return [f"more lines than are read at once: {100 * unseen:.0f} % of the time is not counted"]

    def counted(
        self, signal: Signal, records: Sequence[LogRecord], texts: Sequence[str], miner: TemplateMiner
    ) -> tuple[RawCounts, int]:
        """The counts, and how many rows were left out."""
        mined = miner.mine(texts)
        owner = np.array([self._place[record.entity] for record in records], dtype=np.int64)
        step = np.array([record.at for record in records]) - self._window.baseline_start
        step = np.clip(np.floor(step / self._window.step + 1e-9), 0, len(self._times) - 1).astype(np.int64)
        keys, row = np.unique(owner * len(mined.texts) + mined.template, return_inverse=True)
        kept, row, known = _most(row, len(keys))
        hits = np.zeros((len(kept), len(self._times)))
        hits += np.bincount(row * len(self._times) + step[known], minlength=hits.size).reshape(hits.shape)
        owners, templates = np.divmod(keys[kept], len(mined.texts))
        return RawCounts(
            signal,
            [self._entities[one] for one in owners],
            [mined.texts[one] for one in templates],
            hits * self._scale[owners],
        ), len(keys) - len(kept)


def _scale(one: Span, times: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """[T] 1 for steps of the span that were seen whole; more for its first, where not even that was; NaN elsewhere."""
    inside = (times > one.start - step / 2) & (times < one.end - step / 2)
    share = np.where(inside, np.clip((one.until - times) / step, 0.0, 1.0), 0.0)
    scale = np.where(share >= 1.0 - 1e-9, 1.0, np.nan)
    if one.until > one.start and not np.isfinite(scale).any():
        first = int(np.argmax(inside))
        scale[first] = min(1.0 / max(float(share[first]), 1e-12), _MOST_SCALE)
    return scale


def _most(row: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The rows with most lines, the new row of each line of theirs, and which lines these are."""
    totals = np.bincount(row, minlength=count)
    kept = np.sort(np.argsort(-totals, kind="stable")[:MOST_ROWS])
    place = np.full(count, -1)
    place[kept] = np.arange(len(kept))
    known = place[row] >= 0
    return kept, place[row][known], known
