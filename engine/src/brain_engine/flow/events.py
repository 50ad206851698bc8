"""Steps of visits: what followed what, while one entity worked on one request.

Two chains run through every visit: its log lines, and its innermost own spans (database calls, calls of others, a
function that is traced). Each begins with the visit and ends with it. The chains are kept apart because lines and
spans that are microseconds apart swap places between two requests. A step is judged given the event before it, so that
a change early in a visit does not make everything after it look new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.tables import NOWHERE, Lines, Spans
from brain_engine.flow.visits import Rows, Visits
from brain_engine.logs.levels import ERROR

_BEGIN, _END = "the request", "the answer"
_LINES, _SPANS = 0, 1
_CHAINS: Final = 2


@dataclass(frozen=True, slots=True)
class Steps:
    """K steps of visits.

    Attributes:
        visit: [K] row of the visit's first span.
        before: [K] index into ``labels``: the earlier event.
        after: [K] index into ``labels``: the later event.
        at: [K] seconds since the epoch, of the later event.
        labels: What can happen, in words.
        errors: [E] of each label, whether it is a line that says of itself that it is an error.
    """

    visit: Rows
    before: Rows
    after: Rows
    at: NDArray[np.float64]
    labels: tuple[str, ...]
    errors: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Events:
    """Single events, in any order; ``rank`` puts beginnings first and ends last whatever the clocks say."""

    visit: Rows
    chain: Rows
    label: Rows
    at: NDArray[np.float64]
    rank: Rows


def steps_of(spans: Spans, lines: Lines | None, visits: Visits) -> Steps:
    """All steps of all visits."""
    called, callees = _calls(spans, visits)
    written = lines.templates if lines is not None else ()
    labels = (_BEGIN, _END, *written, *callees)
    parts = [*_bounds(spans, visits, lines is not None), _leaves(spans, visits, called, 2 + len(written))]
    if lines is not None:
        parts.append(_written(lines, visits))
    errors = np.zeros(len(labels), dtype=np.bool_)
    errors[2 : 2 + len(written)] = _say_error(lines) if lines is not None else False
    return _in_order(_joined(parts), labels, errors)


def _say_error(lines: Lines) -> NDArray[np.bool_]:
    """Of each template, whether all of its lines are errors."""
    mildest = np.full(len(lines.templates), np.iinfo(np.int64).max)
    np.minimum.at(mildest, lines.template, lines.severity)
    return (mildest >= ERROR) & (mildest < np.iinfo(np.int64).max)


def _bounds(spans: Spans, visits: Visits, with_lines: bool) -> list[_Events]:
    entries = visits.entries
    found = []
    for chain in (_LINES, _SPANS) if with_lines else (_SPANS,):
        for label, times in ((0, spans.start), (1, np.maximum(spans.end, spans.start))):
            same = np.ones_like(entries)
            found.append(_Events(entries, same * chain, same * label, times[entries], same * (2 * label)))
    return found


def _leaves(spans: Spans, visits: Visits, label: Rows, offset: int) -> _Events:
    """Spans without a span of the same visit below them, other than the one the visit came in with."""
    own = np.arange(len(spans.parent))
    has = visits.parent != NOWHERE
    inner = has & (visits.of_span != own)
    busy = np.zeros(len(own), dtype=np.bool_)
    busy[visits.parent[inner]] = True
    rows = np.flatnonzero(~busy & inner)
    same = np.ones_like(rows)
    return _Events(visits.of_span[rows], same * _SPANS, label[rows] + offset, spans.start[rows], same)


def _written(lines: Lines, visits: Visits) -> _Events:
    rows = np.flatnonzero((lines.span >= 0) & (lines.span < len(visits.of_span)))
    same = np.ones_like(rows)
    return _Events(visits.of_span[lines.span[rows]], same * _LINES, lines.template[rows] + 2, lines.at[rows], same)


def _calls(spans: Spans, visits: Visits) -> tuple[Rows, tuple[str, ...]]:
    """What each span does, as an index into words: its operation, with whom it calls for it."""
    callee = np.full(len(spans.parent), -1)
    made = np.flatnonzero(visits.caller != NOWHERE)
    callee[visits.parent[made]] = spans.entity[made] * max(len(spans.operations), 1) + spans.operation[made]
    pairs, index = np.unique(np.stack([spans.operation, callee]), axis=1, return_inverse=True)
    return np.ravel(index), tuple(_words(spans, int(operation), int(call)) for operation, call in pairs.T)


def _words(spans: Spans, operation: int, call: int) -> str:
    if call < 0:
        return spans.operations[operation]
    entity, called = divmod(call, max(len(spans.operations), 1))
    return f"{spans.operations[operation]} → {spans.entities[entity]} {spans.operations[called]}"


def _joined(parts: Sequence[_Events]) -> _Events:
    return _Events(
        np.concatenate([part.visit for part in parts]),
        np.concatenate([part.chain for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.rank for part in parts]),
    )


def _in_order(events: _Events, labels: tuple[str, ...], errors: NDArray[np.bool_]) -> Steps:
    chain = events.visit * _CHAINS + events.chain
    order = np.lexsort((events.label, events.at, events.rank, chain))
    chain, label, at = chain[order], events.label[order], events.at[order]
    follows = chain[1:] == chain[:-1]
    visit = events.visit[order][1:][follows]
    return Steps(visit, label[:-1][follows], label[1:][follows], at[1:][follows], labels, errors)
