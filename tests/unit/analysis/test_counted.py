"""Counted findings as sentences: what came anew, vanished or exploded, with the numbers as they were counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brain_engine.findings import Finding
from brain_engine.series import CountPanel, Direction, Evidence, Family, Signal
from brain_rca.analysis.counted import MAX_SUBJECT, Tally, counted, shared, tally
from tests.unit.analysis.samples import CART

LINES = Signal("log_templates", Family.ERRORS, "lines", Direction.BOTH)


def finding(subject: str = "connection refused to <*>", signal: str = "log_templates", **changes: Any) -> Finding:
    kind = Signal(signal, Family.ERRORS, "lines", Direction.BOTH)
    given: dict[str, Any] = {"entity": CART, "row": 0, "nats": 9.0, "score": 0.9, "onset": None}
    levels: dict[str, Any] = {"direction": Direction.UP, "usual": 0.0, "extreme": 3.0}
    return Finding(**{"signal": kind, "subject": subject, **given, **levels, **changes})


def seen(hits: list[float], onset: float | None = None) -> Tally:
    """Counts of steps of a minute; the window begins with the fourth."""
    times = 60.0 * np.arange(len(hits))
    panel = CountPanel(LINES, (CART,), ("a",), np.array([hits]))
    return tally(Evidence(times, 180.0, ()), panel, 0, onset)


def test_counts_are_split_at_the_onset_and_gaps_are_nobodys_silence() -> None:
    found = seen([1, np.nan, 1, 0, 4, 6], onset=240.0)
    assert (found.before, found.since, found.seconds_before) == (2, 10, 180.0)
    assert found.ratio == pytest.approx((10 / 2) / (2 / 3))


def test_without_an_onset_the_window_begins_the_split() -> None:
    assert (seen([1, 1, 1, 0, 0, 2]).before, seen([1, 1, 1, 0, 0, 2]).since) == (3, 2)


@pytest.mark.parametrize(
    ("found", "counts", "text"),
    [
        (finding(), [0] * 3 + [0, 40, 2], 'line "connection refused to <*>" came 42 times, never in the 3 min before'),
        (finding(), [0] * 3 + [0, 0, 1], 'line "connection refused to <*>" came once, never in the 3 min before'),
        (
            finding("GET /cart"),
            [60, 60, 0, 0, 0, 0],
            'line "GET /cart" vanished: it came 120 times in the 3 min before, not since',
        ),
        (
            finding("OOMKilling", "kubernetes_warnings"),
            [1, 0, 0, 4, 4, 4],
            "Kubernetes warning OOMKilling came more often: 12 times since (x 12 as often as before)",
        ),
        (
            finding("cart calls db", "trace_transition", direction=Direction.DOWN),
            [10, 10, 10, 0, 1, 1],
            'step "cart calls db" of requests came less often: twice since (x 0.0667 as often as before)',
        ),
        (finding("a", "my_own_count"), [0] * 6, 'my own count "a" deviates'),
        (finding("ThrottlingException", "cloud_call_errors"), [0, 0, 0, 2, 0, 0], None),
    ],
)
def test_a_count_says_how_often_and_how_often_before(found: Finding, counts: list[float], text: str | None) -> None:
    expected = text or "cloud call error ThrottlingException came twice, never in the 3 min before"
    assert counted(found, seen(counts)) == expected


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("span_error_origin", 'errors that began in "GET /cart": 45 % of cases, usually 1 %'),
        ("span_self_time", 'slow work in "GET /cart": 45 % of cases, usually 1 %'),
        ("trace_transition", 'step "GET /cart" of requests: 45 % of cases, usually 1 %'),
    ],
)
def test_what_has_a_number_of_chances_is_told_as_a_share(signal: str, text: str) -> None:
    assert shared(finding("GET /cart", signal, usual=0.01, extreme=0.45)) == text


def test_what_was_counted_is_one_line_without_secrets_and_not_endless() -> None:
    said = counted(finding("login\n\x1b[31m failed password=hunter2 " + "x" * 5000), Tally(0, 1, 60.0, np.nan))
    assert "hunter2" not in said
    assert said.isprintable()
    assert len(said) < MAX_SUBJECT + 80
