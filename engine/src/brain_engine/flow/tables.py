"""Spans and log lines as columns, the form in which sources hand them over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

NOWHERE = -1
"""Index of a row that is not there: the parent of a root, the span of a line outside of any."""


class SpanKind(IntEnum):
    """OTLP's numbers."""

    UNSET = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True)
class Spans:
    """S spans, in any order.

    Attributes:
        trace: [S] number of the trace; only equality counts.
        parent: [S] row of the parent; ``NOWHERE`` where there is none, or none is known.
        entity: [S] index into ``entities``.
        operation: [S] index into ``operations``.
        start: [S] seconds since the epoch.
        end: [S] seconds since the epoch.
        error: [S] whether it says of itself that it failed.
        kind: [S] a ``SpanKind``.
        entities: Names of who did it.
        operations: Names of what was done.
    """

    trace: NDArray[np.int64]
    parent: NDArray[np.int64]
    entity: NDArray[np.int64]
    operation: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    error: NDArray[np.bool_]
    kind: NDArray[np.int64]
    entities: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """L log lines, in any order.

    Attributes:
        at: [L] seconds since the epoch.
        entity: [L] index into ``entities``.
        template: [L] index into ``templates``.
        severity: [L] OTLP's severity number; 0 where the line does not say.
        span: [L] row of the ``Spans`` of the same evidence in which it was written; ``NOWHERE`` where none is known.
        entities: Names of who wrote it.
        templates: What the lines of one kind have in common, ``<*>`` where they differ.
    """

    at: NDArray[np.float64]
    entity: NDArray[np.int64]
    template: NDArray[np.int64]
    severity: NDArray[np.int64]
    span: NDArray[np.int64]
    entities: tuple[str, ...]
    templates: tuple[str, ...]
