"""Which log records are copied, and as what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from brain_common.clock import ManualClock
from brain_lake.schemas import LOGS
from brain_otel.lake_copy.config import LogCopySettings
from brain_otel.lake_copy.logs import LogCopy
from brain_otel.lake_copy.values import LONGEST_BODY, MOST_TEXT, json_of, text_of
from tests.unit.otel.lake_copy.requests import NOW, log_batch, span_batch


def copied(*records: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    """Rows by column."""
    rows: list[dict[str, Any]] = []

    def put(table: str, new: Sequence[tuple[object, ...]]) -> None:
        assert table == LOGS.name
        rows.extend(dict(zip(LOGS.columns.names, row, strict=True)) for row in new)

    LogCopy(LogCopySettings(**settings), "c1", ManualClock(NOW + 5), put).observe(log_batch(*records))
    return rows


@pytest.mark.parametrize(
    ("least", "kept"), [("WARN", [13, 16, 17, 24]), ("ERROR", [17, 24]), ("TRACE", [1, 9, 13, 16, 17, 24])]
)
def test_only_what_is_severe_enough(least: str, kept: list[int]) -> None:
    rows = copied(*({"severity": number} for number in (0, 1, 9, 13, 16, 17, 24)), min_severity=least)
    assert [row["severity_number"] for row in rows] == kept


def test_a_row_says_what_the_record_says() -> None:
    (row,) = copied({"body": "no such cart", "trace": b"\xab" * 16, "attributes": {"exception.type": "KeyError"}})
    assert row["timestamp"] == NOW * 1e6
    assert (row["cluster"], row["kind"], row["name"]) == ("c1", "service", "cart")
    assert (row["body"], row["trace_id"], row["span_id"]) == ("no such cart", "ab" * 16, None)
    assert (row["error_class"], json.loads(row["attributes"])) == ("KeyError", {"exception.type": "KeyError"})


def test_a_record_without_a_time_is_of_now() -> None:
    (row,) = copied({"at": 0})
    assert row["timestamp"] == (NOW + 5) * 1e6


def test_other_signals_are_none_of_its_business() -> None:
    LogCopy(LogCopySettings(), "", ManualClock(NOW), lambda *_: pytest.fail("rows of spans")).observe(span_batch({}))


def test_text_is_capped() -> None:
    (row,) = copied({"body": "x" * 10_000, "attributes": {f"key{number}": "y" * 5_000 for number in range(100)}})
    assert len(row["body"]) == LONGEST_BODY
    assert len(row["attributes"]) <= MOST_TEXT
    assert 0 < len(json.loads(row["attributes"])) < 100


def test_what_has_a_structure_becomes_json() -> None:
    value = AnyValue()
    value.kvlist_value.values.add(key="code").value.int_value = 7
    value.kvlist_value.values.add(key="ratio").value.double_value = float("nan")
    value.kvlist_value.values.add(key="raw").value.bytes_value = b"\xff"
    assert json.loads(text_of(value)) == {"code": 7, "ratio": None, "raw": None}
    assert text_of(AnyValue()) == ""


def test_nesting_ends_somewhere() -> None:
    pair = KeyValue(key="deep")
    inner = pair.value
    for _ in range(50):
        inner = inner.array_value.values.add()
    assert json_of([pair]) == '{"deep":[[[[null]]]]}'
    assert json_of([]) is None
