"""What is asked of visits, each as instances that were a hit or only a chance of one.

- ``trace_transition``: given one event of a visit, how often did this other one follow? Asked twice: of lines that say
  that they are errors, and of all else.
- ``span_self_time``: of the spans of one operation, how many worked longer themselves than is usual?
- ``edge_network_time``: of the calls from one entity to another, how many were longer on the way than is usual?
- ``span_error_origin``: of the spans of one operation, how many failed although nothing below them did?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.flow.durations import Durations, on_the_way, self_times
from brain_engine.flow.events import steps_of
from brain_engine.flow.tables import NOWHERE, Lines, Spans
from brain_engine.flow.visits import Rows, Visits
from brain_engine.series import Direction, Evidence, Family, Signal

TRANSITION: Final = Signal("trace_transition", Family.ERRORS, "ratio", Direction.UP)
SELF_TIME: Final = Signal("span_self_time", Family.LATENCY, "ratio", Direction.UP)
EDGE_TIME: Final = Signal("edge_network_time", Family.NETWORK, "ratio", Direction.UP)
ERROR_ORIGIN: Final = Signal("span_error_origin", Family.ERRORS, "ratio", Direction.UP)

OF_REQUESTS: Final = frozenset({TRANSITION, SELF_TIME, ERROR_ORIGIN})
"""What is an entity's own already, for what its callees broke or held up was put aside request by request."""


@dataclass(frozen=True, slots=True)
class Question:
    """Instances of one signal; [K] each.

    Attributes:
        signal: Which signal.
        row: What an instance is a hit of, if it is one.
        chance: What it is a chance of.
        hit: Whether it is a hit.
        visit: The row of the span that names the visit in which it happened.
        at: When, in seconds since the epoch.
        entity: Whose, an index into ``entities``.
        entities: Names.
        subject: From an instance to words for its row.
    """

    signal: Signal
    row: Rows
    chance: Rows
    hit: NDArray[np.bool_]
    visit: Rows
    at: NDArray[np.float64]
    entity: Rows
    entities: tuple[str, ...]
    subject: Callable[[int], str]


def questions_of(evidence: Evidence, spans: Spans, visits: Visits) -> tuple[Question, ...]:
    """All of them."""
    baseline = spans.start < evidence.window_start
    return (
        *_transitions(spans, evidence.lines, visits),
        _slow(spans, visits, baseline),
        _far(spans, visits, baseline),
        _failed(spans, visits),
    )


def _transitions(spans: Spans, lines: Lines | None, visits: Visits) -> tuple[Question, Question]:
    """Of errors, which are few, and of the rest."""
    steps = steps_of(spans, lines, visits)
    entity = spans.entity[steps.visit]
    chance = entity * len(steps.labels) + steps.before
    failed = steps.errors[steps.after]
    whole = Question(
        signal=TRANSITION,
        row=chance * len(steps.labels) + steps.after,
        chance=chance,
        hit=failed,
        visit=steps.visit,
        at=steps.at,
        entity=entity,
        entities=spans.entities,
        subject=lambda one: f"after {steps.labels[steps.before[one]]!r}: {steps.labels[steps.after[one]]!r}",
    )
    return whole, replace(whole, hit=~failed)


def _slow(spans: Spans, visits: Visits, baseline: NDArray[np.bool_]) -> Question:
    times = self_times(spans, visits, baseline)
    return _durations(SELF_TIME, times, spans, visits, lambda one: spans.operations[spans.operation[times.span[one]]])


def _far(spans: Spans, visits: Visits, baseline: NDArray[np.bool_]) -> Question:
    times = on_the_way(spans, visits, baseline)

    def way(one: int) -> str:
        called = times.span[one]
        return f"{spans.entities[spans.entity[visits.parent[called]]]} → {spans.entities[spans.entity[called]]}"

    return _durations(EDGE_TIME, times, spans, visits, way)


def _durations(
    signal: Signal, times: Durations, spans: Spans, visits: Visits, subject: Callable[[int], str]
) -> Question:
    return Question(
        signal=signal,
        row=times.kind,
        chance=times.kind,
        hit=times.slow,
        visit=visits.of_span[times.span],
        at=spans.start[times.span],
        entity=spans.entity[times.span],
        entities=spans.entities,
        subject=subject,
    )


def _failed(spans: Spans, visits: Visits) -> Question:
    below = np.zeros(len(spans.error), dtype=np.bool_)
    failed = np.flatnonzero(spans.error & (visits.parent != NOWHERE))
    below[visits.parent[failed]] = True
    kind = spans.entity * max(len(spans.operations), 1) + spans.operation
    return Question(
        signal=ERROR_ORIGIN,
        row=kind,
        chance=kind,
        hit=spans.error & ~below,
        visit=visits.of_span,
        at=spans.start,
        entity=spans.entity,
        entities=spans.entities,
        subject=lambda one: spans.operations[spans.operation[one]],
    )
