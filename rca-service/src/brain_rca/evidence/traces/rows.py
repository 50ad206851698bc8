"""Spans as they are read, one by one, and the columns they become.

A trace is what strangers sent: a parent may be missing, stand in another trace or be its own child. Whatever cannot be
joined stays a root; nothing is followed here, so that circles do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from brain_common.entity import Entity
from brain_engine.flow.tables import NOWHERE, SpanKind, Spans
from brain_rca.evidence.protocol import Window

MOST_SPANS: Final = 200_000
"""Of one answer: some 100 MB while they are read, 20 MB as columns."""
MOST_NAME: Final = 200
"""Characters of an operation's name that are kept."""
_MOST_ID: Final = 64  # characters; OpenTelemetry's are 16, in base64 12
_NO_IDS: Final = frozenset({"", "0" * 16, "0" * 32, "AAAAAAAAAAA="})  # OpenTelemetry's id of nothing is zeros
_FAR: Final = 86400.0  # seconds from the window: a trace may be long, but such a clock is wrong
_KINDS: Final[Mapping[str, SpanKind]] = {kind.name.lower(): kind for kind in SpanKind}


class SpanRow(NamedTuple):
    """One span; ``peer`` is what it used that writes no spans itself: a database, a topic."""

    trace: str
    span: str
    parent: str
    entity: Entity
    operation: str
    start: float
    end: float
    error: bool
    kind: SpanKind
    peer: Entity | None = None


class Parsed(NamedTuple):
    """Spans of an answer, and how many more it holds that cannot be read."""

    rows: list[SpanRow]
    damaged: int


def is_id(text: str) -> bool:
    """Whether it can tell a span or a trace from others."""
    return text not in _NO_IDS and len(text) <= _MOST_ID


def is_near(row: SpanRow, window: Window) -> bool:
    """Whether a span was at a time that was asked about, give or take a day; never with times that are no numbers."""
    first, last = window.baseline_start - _FAR, window.end + _FAR
    return first <= row.start <= last and first <= row.end <= last


def kind_of(name: str | None) -> SpanKind:
    """The kind of a span by its name in small letters, as the lake and Jaeger's tags have it; unset where unknown."""
    return _KINDS.get(name or "", SpanKind.UNSET)


def unique_rows(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """Each span once, in an order that does not depend on who answered first.

    Jaeger and Zipkin clients may write both ends of a call under one id, so the kind tells them apart.
    """
    once = {(row.trace, row.span, row.kind): row for row in rows}
    return [once[key] for key in sorted(once)]


def columns_of(rows: Sequence[SpanRow]) -> Spans | None:
    """The same as columns; None where there is nothing."""
    if not rows:
        return None
    traces = {name: number for number, name in enumerate(sorted({row.trace for row in rows}))}
    entities = sorted({row.entity for row in rows})
    operations = sorted({row.operation for row in rows})
    entity_at = {entity: number for number, entity in enumerate(entities)}
    operation_at = {name: number for number, name in enumerate(operations)}
    return Spans(
        trace=np.array([traces[row.trace] for row in rows], dtype=np.int64),
        parent=np.array(_parents(rows), dtype=np.int64),
        entity=np.array([entity_at[row.entity] for row in rows], dtype=np.int64),
        operation=np.array([operation_at[row.operation] for row in rows], dtype=np.int64),
        start=np.array([row.start for row in rows], dtype=np.float64),
        end=np.array([max(row.end, row.start) for row in rows], dtype=np.float64),
        error=np.array([row.error for row in rows], dtype=np.bool_),
        kind=np.array([row.kind for row in rows], dtype=np.int64),
        entities=tuple(str(entity) for entity in entities),
        operations=tuple(operations),
    )


def _parents(rows: Sequence[SpanRow]) -> list[int]:
    """Rows of the parents. Of two spans with one id, the one that was called is the parent of what follows."""
    at: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows):
        if (row.trace, row.span) not in at or row.kind is SpanKind.SERVER:
            at[row.trace, row.span] = number
    return [at.get((row.trace, row.parent), NOWHERE) if row.parent != row.span else NOWHERE for row in rows]
