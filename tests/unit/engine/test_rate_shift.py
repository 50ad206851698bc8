"""Counts of log templates: what is unusual about them, and what only looks so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from brain_engine.anomaly.rate_shift import RateShift
from brain_engine.detail import find_in_detail
from brain_engine.findings import Finding
from brain_engine.series import Array, CountPanel, Direction, Evidence, Family, Signal

STEP, BEFORE, WITHIN = 15.0, 240, 120  # an hour of baseline, half an hour of window
ONSET = BEFORE + 60
TIMES = STEP * np.arange(BEFORE + WITHIN, dtype=np.float64)
ERRORS = Signal("log_errors", Family.ERRORS, "lines", Direction.UP)
LINES = Signal("log_templates", Family.LOAD, "lines", Direction.BOTH)
RANDOM = np.random.default_rng(3)


def steady(lines: float) -> Array:
    return RANDOM.poisson(lines, len(TIMES)).astype(np.float64)


def at(places: Mapping[int, float]) -> Array:
    row = np.zeros(len(TIMES))
    for place, lines in places.items():
        row[place] = lines
    return row


def from_onset(before: float, after: float) -> Array:
    row = steady(before)
    row[ONSET:] = RANDOM.poisson(after, len(TIMES) - ONSET)
    return row


def panel(signal: Signal, rows: Mapping[str, Array]) -> CountPanel:
    return CountPanel(signal, tuple("shop" for _ in rows), tuple(rows), np.stack(list(rows.values())))


def found(errors: Mapping[str, Array], lines: Mapping[str, Array] | None = None) -> dict[str, Finding]:
    usual = {f"request of kind {number}": steady(3.0) for number in range(60)} | dict(lines or {})
    panels = (panel(ERRORS, {"retry": steady(0.2)} | dict(errors)), panel(LINES, usual))
    evidence = Evidence(TIMES, TIMES[BEFORE], (), counts=panels)
    return {finding.subject: finding for finding in find_in_detail(evidence)}


def test_a_quiet_system_has_no_findings() -> None:
    assert found({}) == {}


@pytest.mark.parametrize("lines", [4, 30, 1000])
def test_an_error_never_seen_before_is_found_even_with_few_lines(lines: int) -> None:
    novel = found({"no route to host": at({ONSET + place: lines / 4 for place in range(4)})})["no route to host"]
    assert novel.direction is Direction.UP
    assert novel.onset == TIMES[ONSET]
    assert novel.usual == 0.0


def test_a_single_line_never_seen_before_is_chance() -> None:
    assert found({"hiccup": at({ONSET: 1})}) == {}


def test_an_exploding_error_tops_what_merely_follows() -> None:
    findings = found({"timeout": from_onset(0.5, 40.0)}, {"request": from_onset(30.0, 10.0)})
    assert next(iter(findings)) == "timeout"
    assert findings["timeout"].onset == pytest.approx(TIMES[ONSET], abs=STEP)


def test_silence_weighs_less_than_a_new_error() -> None:
    findings = found({"refused": from_onset(0.0, 2.0)}, {"order accepted": from_onset(200.0, 0.0)})
    assert list(findings) == ["refused", "order accepted"]
    assert findings["order accepted"].direction is Direction.DOWN
    assert findings["order accepted"].nats < findings["refused"].nats / 2


def test_errors_that_stop_weigh_less_than_errors_that_begin() -> None:
    findings = found({"begins": from_onset(0.0, 5.0), "stops": from_onset(5.0, 0.0)})
    assert findings["begins"].nats > 2 * findings["stops"].nats


@pytest.mark.parametrize(
    "places",
    [(40, 280), (20, 80, 140, 200, 260, 320), (100, 300)],
    ids=["hourly", "every 15 minutes", "now and then"],
)
def test_a_job_that_runs_every_now_and_then_is_no_news(places: tuple[int, ...]) -> None:
    job = at(dict.fromkeys(places, 25.0))
    assert "job" not in found({"job": job})
    assert "job" not in found({}, {"job": job})


def test_the_nightly_job_does_not_top_an_error() -> None:
    findings = found({"refused": from_onset(0.0, 1.0)}, {"backup of table <*>": at({ONSET: 30.0, ONSET + 1: 30.0})})
    assert next(iter(findings)) == "refused"


def test_what_a_restart_says_does_not_top_what_made_it() -> None:
    started = {f"started component {number}": at({ONSET + 8: 1.0, ONSET + 30: 1.0}) for number in range(40)}
    findings = found({"out of memory": at({ONSET + 7: 3.0, ONSET + 29: 3.0})}, started)
    assert next(iter(findings)) == "out of memory"
    assert len(findings) == 1


def test_what_was_not_looked_at_is_no_silence() -> None:
    unseen = steady(10.0)
    unseen[ONSET:] = np.nan
    assert found({}, {"unseen": unseen}) == {}


def test_without_a_look_at_the_baseline_nothing_is_unusual() -> None:
    new = steady(10.0)
    new[:BEFORE] = np.nan
    assert found({"new": new}) == {}


@pytest.mark.parametrize("change", [lambda hits: hits[::-1], lambda hits: hits], ids=["reversed", "as is"])
def test_the_order_of_rows_does_not_matter(change: Callable[[Array], Array]) -> None:
    rows = np.stack([steady(1.0), from_onset(0.0, 3.0), steady(5.0)])
    evidence = Evidence(TIMES, TIMES[BEFORE], ())
    counts = CountPanel(ERRORS, ("a", "b", "c"), ("", "", ""), change(rows))
    nats = change(RateShift().deviations(evidence, counts).nats)
    assert nats.argmax() == 1
