"""What requests did on their way, as recorded: spans, and the log lines written within them.

Loaders cut it from a day, the replay moves it to where its period is replayed. Nothing is judged here, and lines stay
as they were written: whoever reads them masks them and finds their templates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.tables import NOWHERE, Spans

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Written:
    """L log lines, in any order.

    Attributes:
        at: [L] seconds since the epoch.
        entity: [L] index into the ``entities`` of the spans beside them.
        span: [L] row of the span in which it was written.
        texts: L lines.
    """

    at: Array
    entity: NDArray[np.int64]
    span: NDArray[np.int64]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Whole traces with their lines; entities are services, traces are numbered from 0."""

    spans: Spans
    lines: Written

    def extents(self) -> tuple[Array, Array]:
        """[N] when each trace began and when it ended; plus and minus infinity for numbers without a span."""
        count = int(self.spans.trace.max(initial=-1)) + 1
        first, last = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(first, self.spans.trace, self.spans.start)
        np.maximum.at(last, self.spans.trace, self.spans.end)
        return first, last

    def moved(self, chosen: NDArray[np.bool_], shift: Array) -> Flow:
        """The chosen traces, each later by its shift in seconds; [N] both."""
        spans, lines = self.spans, self.lines
        rows = np.flatnonzero(chosen[spans.trace])
        place = np.full(len(spans.trace) + 1, NOWHERE)  # one more, so that NOWHERE stays NOWHERE
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero(place[lines.span] != NOWHERE)
        later = shift[spans.trace]
        return Flow(
            replace(
                spans,
                trace=spans.trace[rows],
                parent=place[spans.parent[rows]],
                entity=spans.entity[rows],
                operation=spans.operation[rows],
                start=spans.start[rows] + later[rows],
                end=spans.end[rows] + later[rows],
                error=spans.error[rows],
                kind=spans.kind[rows],
            ),
            Written(
                lines.at[kept] + later[lines.span[kept]],
                lines.entity[kept],
                place[lines.span[kept]],
                tuple(lines.texts[row] for row in kept.tolist()),
            ),
        )

    def later(self, seconds: float) -> Flow:
        """All of it, so many seconds later."""
        count = int(self.spans.trace.max(initial=-1)) + 1
        return self.moved(np.ones(count, dtype=np.bool_), np.full(count, seconds))

    def and_then(self, other: Flow) -> Flow:
        """Both; of the same recording, so that numbers mean the same traces, entities and operations."""
        one, two = self.spans, other.spans
        rows = len(one.trace)
        below = np.where(two.parent == NOWHERE, NOWHERE, two.parent + rows)
        return Flow(
            replace(
                one,
                trace=np.concatenate([one.trace, two.trace]),
                parent=np.concatenate([one.parent, below]),
                entity=np.concatenate([one.entity, two.entity]),
                operation=np.concatenate([one.operation, two.operation]),
                start=np.concatenate([one.start, two.start]),
                end=np.concatenate([one.end, two.end]),
                error=np.concatenate([one.error, two.error]),
                kind=np.concatenate([one.kind, two.kind]),
            ),
            Written(
                np.concatenate([self.lines.at, other.lines.at]),
                np.concatenate([self.lines.entity, other.lines.entity]),
                np.concatenate([self.lines.span, other.lines.span + rows]),
                (*self.lines.texts, *other.lines.texts),
            ),
        )
