"""Which traces are copied: those that failed, slow ones, a few others; and that what waits is bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from brain_common.clock import ManualClock
from brain_lake.schemas import SPANS
from brain_otel.lake_copy.config import TraceCopySettings
from brain_otel.lake_copy.traces import TraceCopy
from tests.unit.otel.lake_copy.requests import NOW, log_batch, span_batch, trace


class Copied:
    """A copy with what it has handed on."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(NOW)
        self.rows: list[dict[str, Any]] = []
        self.missed = 0
        self.copy = TraceCopy(TraceCopySettings(**settings), "c1", self.clock, self._put, self._miss)

    def _put(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        assert table == SPANS.name
        self.rows.extend(dict(zip(SPANS.columns.names, row, strict=True)) for row in rows)

    def _miss(self) -> None:
        self.missed += 1

    def after(self, seconds: float) -> list[tuple[str, str]]:
        """Trace and reason of the rows, some time later."""
        self.clock.advance(seconds)
        self.copy.expire()
        return sorted((row["trace_id"].lstrip("0")[:1], row["kept_for"]) for row in self.rows)


def test_a_trace_without_anything_special_is_forgotten() -> None:
    copied = Copied()
    copied.copy.observe(span_batch({}, {"seconds": 0.9}))
    assert copied.after(60) == []
    assert copied.copy.size == 0


def test_an_error_keeps_spans_that_came_before_and_after_it() -> None:
    copied = Copied()
    copied.copy.observe(span_batch({"trace": trace(1)}, {"trace": trace(2)}))
    copied.clock.advance(8)
    copied.copy.observe(span_batch({"trace": trace(1), "status": 2, "parent": b"p" * 8}))
    copied.clock.advance(8)
    copied.copy.observe(span_batch({"trace": trace(1)}, {"trace": trace(2)}))
    assert copied.after(10) == [("1", "error")] * 3


def test_a_trace_that_goes_on_failing_stays_wanted() -> None:
    copied = Copied()
    for _ in range(10):
        copied.copy.observe(span_batch({"status": 2}))
        copied.clock.advance(9)
    assert copied.after(10) == [("1", "error")] * 10


@pytest.mark.parametrize(
    ("span", "kept"),
    [
        ({"seconds": 1.5, "kind": 2, "parent": b"p" * 8}, True),
        ({"seconds": 1.5, "kind": 1, "parent": b""}, True),
        ({"seconds": 1.5, "kind": 3, "parent": b"p" * 8}, False),
        ({"seconds": 0.9, "kind": 2}, False),
        ({"seconds": -5.0, "kind": 2}, False),
    ],
)
def test_slow_are_server_and_first_spans(span: dict[str, Any], kept: bool) -> None:
    copied = Copied()
    copied.copy.observe(span_batch(span))
    assert copied.after(10) == ([("1", "slow")] if kept else [])


def test_an_error_is_the_reason_for_a_slow_trace_that_failed() -> None:
    copied = Copied()
    copied.copy.observe(span_batch({"seconds": 3}, {"status": 2}))
    assert copied.after(10) == [("1", "error")] * 2


def test_some_are_drawn_by_their_id() -> None:
    copied = Copied(keep_ratio=0.5)
    low, high = trace(1), trace(2)[:9] + b"\x80" + b"\x00" * 6
    copied.copy.observe(span_batch({"trace": low}, {"trace": high}))
    assert copied.after(10) == [("2", "sample")]


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 0), (1.0, 2)])
def test_none_and_all_are_ratios(ratio: float, kept: int) -> None:
    copied = Copied(keep_ratio=ratio)
    copied.copy.observe(span_batch({"trace": b"\x00" * 15 + b"\x01"}, {"trace": b"\xff" * 16}))
    assert len(copied.after(10)) == kept


def test_bytes_that_wait_are_bounded() -> None:
    copied = Copied(buffer_bytes=1 << 20)
    for number in range(200):
        copied.copy.observe(span_batch({"trace": trace(number), "name": "x" * 20_000}))
        assert copied.copy.size <= 1 << 20
    copied.copy.observe(span_batch({"trace": trace(0), "status": 2}))
    assert len(copied.after(10)) == 1  # what came first had no room left to wait in


def test_a_storm_of_errors_is_bounded_and_told() -> None:
    copied = Copied(most_traces=10)
    copied.copy.observe(span_batch(*({"trace": trace(number), "status": 2} for number in range(1, 100))))
    assert len(copied.after(10)) == 10
    assert copied.missed == 89
    copied.clock.advance(20)
    copied.copy.observe(span_batch({"trace": trace(200), "status": 2}))
    assert len(copied.after(10)) == 11


def test_what_is_no_trace_id_is_never_wanted() -> None:
    copied = Copied(keep_ratio=1.0)
    copied.copy.observe(span_batch({"trace": b"x" * 1000, "status": 2}, {"trace": b"", "status": 2}))
    assert copied.after(10) == []


def test_the_end_decides_about_all_that_waits() -> None:
    copied = Copied()
    copied.copy.observe(span_batch({"status": 2}))
    copied.copy.close()
    assert copied.after(0) == [("1", "error")]


def test_a_row_says_what_the_span_says() -> None:
    copied = Copied()
    attributes = {"http.request.method": "GET", "db.system": "redis", "user.secret": "no"}
    copied.copy.observe(
        span_batch({"status": 2, "kind": 3, "parent": b"\x02" * 8, "seconds": 0.25, "attributes": attributes})
    )
    copied.copy.observe(log_batch({}))
    copied.after(10)
    (row,) = copied.rows
    assert (row["cluster"], row["kind"], row["name"]) == ("c1", "service", "cart")
    assert (row["span_id"], row["parent_span_id"]) == ("01" * 8, "02" * 8)
    assert (row["span_name"], row["span_kind"], row["status"]) == ("GET /", "client", "error")
    assert row["duration_seconds"] == pytest.approx(0.25)
    assert json.loads(row["attributes"]) == {"http.request.method": "GET", "db.system": "redis"}


def test_enumerations_of_later_versions_are_no_failure() -> None:
    copied = Copied(keep_ratio=1.0)
    copied.copy.observe(span_batch({"kind": 99, "status": 77}))
    copied.after(10)
    assert (copied.rows[0]["span_kind"], copied.rows[0]["status"]) == ("", "unset")
