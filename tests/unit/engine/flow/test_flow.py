"""What requests did on their way: made-up traces of a front that calls a back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brain_engine.detail import find_in_detail
from brain_engine.findings import Finding
from brain_engine.flow.durations import self_times
from brain_engine.flow.find import find_in_flow
from brain_engine.flow.tables import NOWHERE, Lines, SpanKind, Spans
from brain_engine.flow.visits import visits_of
from brain_engine.series import Evidence

_REQUESTS = 540
_WINDOW = 3600.0
_END = 5400.0
_FRONT, _BACK = 0, 1
_ENTITIES = ("front", "back")
_OPERATIONS = ("GET /", "call", "serve", "read", "apologise")


def _shop(broken: float = _END, slow: float = _END, failing: float = _END, skew: float = 0.0) -> Spans:
    """A front that calls a back, which reads its database; each fault begins at a moment of its own."""
    begin = np.linspace(0.0, _END - 10.0, _REQUESTS)
    rows = np.arange(_REQUESTS)
    late = begin >= slow
    took = 0.01 + 0.5 * late + 0.001 * (rows % 7)
    parts = [
        (NOWHERE, _FRONT, 0, begin, begin + took + 0.02, SpanKind.SERVER, begin >= failing),
        (0, _FRONT, 1, begin + 0.005, begin + took + 0.015, SpanKind.CLIENT, begin >= failing),
        (1, _BACK, 2, begin + skew + 0.007, begin + skew + took + 0.013, SpanKind.SERVER, begin >= failing),
        (2, _BACK, 3, begin + skew + 0.008, begin + skew + 0.009, SpanKind.CLIENT, begin < 0.0),
        # After a call that was broken, the front says that it is sorry: a symptom.
        (0, _FRONT, 4, begin + took + 0.016, begin + took + 0.017, SpanKind.INTERNAL, begin < 0.0),
    ]
    lost = [begin < 0.0, begin < 0.0, begin < 0.0, begin >= broken, begin < broken]
    parent = [rows * 0 + NOWHERE if up == NOWHERE else rows + up * _REQUESTS for up, *_ in parts]
    keep = ~np.concatenate(lost)
    place = np.where(keep, np.cumsum(keep) - 1, NOWHERE)
    above = np.concatenate(parent)
    return Spans(
        trace=np.tile(rows, len(parts))[keep],
        parent=np.where(above >= 0, place[np.maximum(above, 0)], NOWHERE)[keep],
        entity=np.repeat([part[1] for part in parts], _REQUESTS)[keep],
        operation=np.repeat([part[2] for part in parts], _REQUESTS)[keep],
        start=np.concatenate([part[3] for part in parts])[keep],
        end=np.concatenate([part[4] for part in parts])[keep],
        error=np.concatenate([part[6] for part in parts])[keep],
        kind=np.repeat([int(part[5]) for part in parts], _REQUESTS)[keep],
        entities=_ENTITIES,
        operations=_OPERATIONS,
    )


def _evidence(spans: Spans | None, lines: Lines | None = None) -> Evidence:
    return Evidence(np.arange(0.0, _END, 30.0), _WINDOW, (), spans=spans, lines=lines)


def _found(spans: Spans) -> tuple[Finding, ...]:
    return find_in_flow(_evidence(spans))


def test_nothing_is_found_where_nothing_changed() -> None:
    assert _found(_shop()) == ()


def test_a_callee_that_answers_early_is_found_and_its_caller_excused() -> None:
    found = _found(_shop(broken=4500.0))
    assert {one.entity for one in found} == {"back"}
    assert found[0].signal.name == "trace_transition"
    assert "the answer" in found[0].subject
    assert found[0].onset == pytest.approx(4500.0, abs=60.0)


def test_time_that_a_callee_takes_is_its_own() -> None:
    found = [one for one in _found(_shop(slow=4500.0)) if one.signal.name == "span_self_time"]
    assert {(one.entity, one.subject) for one in found} == {("back", "serve")}


def test_an_error_counts_where_it_began() -> None:
    found = [one for one in _found(_shop(failing=4500.0)) if one.signal.name == "span_error_origin"]
    assert {(one.entity, one.subject) for one in found} == {("back", "serve")}


def test_clocks_that_differ_between_machines_do_not_matter() -> None:
    assert _found(_shop(skew=7.0)) == ()
    assert {one.entity for one in _found(_shop(slow=4500.0, skew=7.0)) if one.signal.name == "span_self_time"} == {
        "back"
    }


def test_a_line_that_was_never_written_before_is_found() -> None:
    spans = _shop()
    served = np.flatnonzero(spans.operation == 2)
    written = Lines(
        at=spans.start[served] + 0.001,
        entity=np.full(len(served), _BACK),
        template=(spans.start[served] > 4500.0).astype(np.int64),
        severity=np.zeros(len(served), np.int64),
        span=served,
        entities=_ENTITIES,
        templates=("all is well", "it is broken"),
    )
    found = find_in_detail(_evidence(spans, written))
    assert {one.entity for one in found} == {"back"}
    assert "it is broken" in found[0].subject


def test_lines_of_errors_pay_only_for_each_other() -> None:
    """Among a hundred kinds of steps that could have become more frequent, a few errors are more than chance."""
    spans = _shop()
    served = np.flatnonzero(spans.operation == 2)
    broken = np.isin(np.arange(len(served)), len(served) - 30 + 3 * np.arange(4))
    usual = np.arange(len(served)) % 100
    severity = np.where(broken, 17, 9)

    def found(severity: np.ndarray) -> float:
        written = Lines(
            at=spans.start[served] + 0.001,
            entity=np.full(len(served), _BACK),
            template=np.where(broken, 100, usual),
            severity=severity,
            span=served,
            entities=_ENTITIES,
            templates=(*(f"order {number} is served" for number in range(100)), "no stock"),
        )
        told = find_in_detail(_evidence(spans, written))
        return max((one.nats for one in told if "no stock" in one.subject), default=0.0)

    assert found(severity) > found(np.full(len(served), 9)) + 1.0


def test_the_order_of_rows_decides_nothing() -> None:
    spans = _shop(broken=4500.0)
    order = np.random.default_rng(1).permutation(len(spans.start))
    place = np.argsort(order)
    mixed = Spans(
        trace=spans.trace[order],
        parent=np.where(spans.parent[order] >= 0, place[spans.parent[order]], NOWHERE),
        entity=spans.entity[order],
        operation=spans.operation[order],
        start=spans.start[order],
        end=spans.end[order],
        error=spans.error[order],
        kind=spans.kind[order],
        entities=spans.entities,
        operations=spans.operations,
    )
    told = [(one.entity, one.subject, round(one.nats, 6)) for one in _found(spans)]
    assert told == [(one.entity, one.subject, round(one.nats, 6)) for one in _found(mixed)]


def test_no_spans_are_no_finding() -> None:
    spans = _shop()
    none = np.zeros(0, np.int64)
    empty = Spans(none, none, none, none, none * 1.0, none * 1.0, none > 0, none, (), ())
    assert find_in_flow(_evidence(None)) == ()
    assert find_in_flow(_evidence(empty)) == ()
    assert find_in_flow(replace(_evidence(spans), window_start=2 * _END)) == ()
    assert find_in_flow(replace(_evidence(spans), window_start=-1.0)) == ()


def test_damaged_spans_are_visits_of_their_own() -> None:
    spans = _shop()
    parent = spans.parent.copy()
    parent[:6] = [1, 2, 0, 3, 10**9, -7]  # a circle, itself, out of range, below zero
    damaged = replace(spans, parent=parent, end=spans.start - 1.0)
    visits = visits_of(damaged)
    assert visits.of_span[:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert visits.caller[3:6].tolist() == [NOWHERE] * 3
    assert find_in_flow(_evidence(damaged)) is not None


def test_a_circle_of_calls_between_entities_ends() -> None:
    spans = _shop(broken=4500.0)
    parent = spans.parent.copy()
    roots = np.flatnonzero(parent == NOWHERE)
    parent[roots] = np.array(
        [np.flatnonzero((spans.trace == spans.trace[one]) & (spans.operation == 2))[0] for one in roots]
    )
    assert isinstance(_found(replace(spans, parent=parent)), tuple)


def test_self_time_counts_parallel_children_once() -> None:
    zero = np.zeros(3, np.int64)
    spans = Spans(
        trace=zero,
        parent=np.array([NOWHERE, 0, 0]),
        entity=zero,
        operation=np.arange(3),
        start=np.array([0.0, 1.0, 2.0]),
        end=np.array([10.0, 5.0, 6.0]),
        error=zero > 0,
        kind=zero,
        entities=("one",),
        operations=("a", "b", "c"),
    )
    times = self_times(spans, visits_of(spans), np.ones(3, dtype=np.bool_))
    assert times.seconds.tolist() == [5.0, 4.0, 4.0]
