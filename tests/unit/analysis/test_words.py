"""Measured findings as sentences."""

from __future__ import annotations

import math
from typing import Any

import pytest

from brain_engine.findings import Finding
from brain_engine.series import Direction, Signal
from brain_rca.analysis.words import MAX_NAME, amount, sentence, short
from tests.unit.analysis.samples import CART, LATENCY, MEMORY


def finding(signal: Signal = LATENCY, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "entity": CART,
        "signal": signal,
        "row": 0,
        "nats": 9.0,
        "score": 0.9,
        "onset": None,
        "direction": Direction.UP,
        "usual": 0.02,
        "extreme": 2.1,
    }
    return Finding(**{**given, **changes})


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        (CART, "service shop/cart"),
        ("lab//node/10.0.0.7", "node 10.0.0.7"),
        ("//database/ledger%2Fdb", "database ledger/db"),
    ],
)
def test_an_entity_is_its_kind_and_name(entity: str, text: str) -> None:
    assert short(entity) == text


def test_a_hostile_name_becomes_one_short_line() -> None:
    said = short("lab//service/a\x1b[31m\u202e\n" + "x" * 500)
    assert said.startswith("service a")
    assert len(said) == MAX_NAME
    assert said.isprintable()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0042, "seconds", "4.2 ms"),
        (90.0, "seconds", "90 s"),
        (2e-7, "seconds", "0.2 µs"),
        (0.0, "seconds", "0 µs"),
        (0.125, "ratio", "12.5 %"),
        (3 * 1024**3, "bytes", "3 GiB"),
        (1536.0, "bytes/s", "1.5 KiB/s"),
        (0.0, "bytes", "0 B"),
        (-2048.0, "bytes", "-2 KiB"),
        (7.0, "requests/s", "7 requests/s"),
        (3.0, "1", "3"),
        (3.0, "", "3"),
        (math.nan, "seconds", "unknown"),
        (math.inf, "bytes", "unknown"),
    ],
)
def test_an_amount_has_a_unit_that_people_read(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (finding(), "latency p99 rose from 20 ms to typically 2.1 s (x 105)"),
        (finding(extreme=0.025), "latency p99 rose from 20 ms to typically 25 ms"),
        (finding(usual=0.0), "latency p99 rose from 0 µs to typically 2.1 s"),
        (finding(usual=math.nan), "latency p99 rose from unknown to typically 2.1 s"),
        (finding(direction=Direction.DOWN, extreme=0.001), "latency p99 fell from 20 ms to typically 1 ms"),
        (
            finding(MEMORY, usual=0.5, extreme=0.99),
            "container memory of limit rose from 50 % to typically 99 % (x 1.98), at its limit of 100 %",
        ),
        (finding(MEMORY, usual=0.5, extreme=0.6), "container memory of limit rose from 50 % to typically 60 %"),
    ],
)
def test_a_finding_says_what_deviates_from_what(found: Finding, text: str) -> None:
    assert sentence(found) == text
