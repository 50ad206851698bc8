"""Visits: what one entity did for one request, from the span in which the request came in to its answer.

A trace is a tree of spans; cut wherever the entity changes, it falls into visits, and these form a tree of their own.
Everything else in this folder speaks of visits. Spans come from anywhere: parents may be unknown, form circles or
belong to another trace, ends may lie before starts. None of that is an error; such a span begins a visit of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.tables import NOWHERE, Spans

Rows = NDArray[np.int64]

_DOUBLINGS: Final = 20  # chains of up to a million spans; more than any cap on spans lets in


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of some spans.

    Attributes:
        parent: [S] row of the parent span, ``NOWHERE`` where there is none in the same trace.
        of_span: [S] the visit of each span, named by the row of the span it came in with.
        caller: [S] the visit that made this one, for rows that name visits; ``NOWHERE`` elsewhere and for the first.
    """

    parent: Rows
    of_span: Rows
    caller: Rows

    @property
    def entries(self) -> Rows:
        """The rows that name visits, ascending."""
        return np.flatnonzero(self.of_span == np.arange(len(self.of_span)))


def visits_of(spans: Spans) -> Visits:
    """Cut the traces into visits."""
    own = np.arange(len(spans.parent))
    parent = _parents(spans)
    above = np.maximum(parent, 0)
    inner = (parent != NOWHERE) & (spans.entity[above] == spans.entity)
    of_span = _tops(np.where(inner, above, own))
    entry = of_span == own
    made = entry & (parent != NOWHERE) & ~inner
    return Visits(parent, of_span, np.where(made, of_span[above], NOWHERE))


def _parents(spans: Spans) -> Rows:
    """Parents that exist and are of the same trace, and not the span itself."""
    count = len(spans.parent)
    exists = (spans.parent >= 0) & (spans.parent < count) & (spans.parent != np.arange(count))
    above = np.where(exists, spans.parent, 0)
    exists &= spans.trace[above] == spans.trace if count else exists
    return np.where(exists, above, NOWHERE)


def _tops(above: Rows) -> Rows:
    """Where each chain of ``above`` ends, by pointer doubling; who is in a circle, or hangs on one, ends at itself."""
    own = np.arange(len(above))
    top = above
    for _ in range(_DOUBLINGS):
        further = top[top]
        if np.array_equal(further, top):
            break
        top = further
    return np.where(above[top] == top, top, own)
