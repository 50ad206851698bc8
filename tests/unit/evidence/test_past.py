"""Older hours as baseline: put in front, in the entities' order, and never a reason to fail."""

from __future__ import annotations

import numpy as np
import pytest

from brain_common.errors import TemporaryError
from brain_engine.series import CountPanel, Direction, Edge, EdgeKind, Evidence, Family, Panel, Signal
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.scope.identity import Identity

pytestmark = pytest.mark.anyio
SIGNAL = Signal("service_latency_mean", Family.LATENCY, "seconds", Direction.UP)
DAY = 86400.0
NOW = 1_700_000_000.0
WINDOW = Window(baseline_start=NOW - 600.0, start=NOW - 300.0, end=NOW, step=60.0)


class Source:
    """Answers with the age of the window in days; entities of the past come in another order."""

    def __init__(self, *, past: str = "there", edges: dict[int, tuple[Edge, ...]] | None = None) -> None:
        self.past = past
        self.edges = edges or {}  # by the age in days
        self.closed = False

    async def gather(self, window: Window) -> Gathered:
        age = round((NOW - window.end) / DAY)
        if age and self.past == "away":
            raise TemporaryError("no answer")
        names = ("b", "a") if age else ("a", "b", "new")
        if age and self.past == "empty":
            names = ()
        times = grid(window)
        rows = np.array([[age * 10.0 + ord(name[0])] * len(times) for name in names]).reshape(len(names), len(times))
        panels = (Panel(SIGNAL, names, rows),) if names else ()
        return Gathered(
            Evidence(times, window.start, panels, missing=("one thing",), edges=self.edges.get(age, ())), Identity(())
        )

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed = True


async def test_the_hours_of_a_week_and_a_day_before_come_first() -> None:
    evidence = (await WithPast(Source(), Source()).gather(WINDOW)).evidence
    (panel,) = evidence.panels
    assert panel.entities == ("a", "b", "new")
    assert np.all(np.diff(evidence.times) > 0)
    assert panel.values.shape == (3, len(evidence.times))
    baseline = evidence.times < evidence.window_start
    ages = np.round((NOW - evidence.times) / DAY)
    for age in (7, 1):
        assert np.all(panel.values[0, ages == age] == age * 10.0 + ord("a"))
        assert np.all(panel.values[1, ages == age] == age * 10.0 + ord("b"))
    assert np.isnan(panel.values[2, ages > 0]).all()
    assert (ages[baseline] > 0).sum() == 10
    assert evidence.missing == ("one thing",)


async def test_dependencies_of_before_count_for_half_where_none_are_known_now() -> None:
    now = (Edge("a", "b", EdgeKind.CALLS, "mesh"),)
    yesterday = (
        Edge("a", "z", EdgeKind.CALLS, "mesh"),  # it calls something else now
        Edge("b", "c", EdgeKind.CALLS, "mesh", 3.0, new=True),
        Edge("b", "n", EdgeKind.RUNS_ON, "placement"),  # it may be elsewhere
    )
    last_week = (Edge("b", "old", EdgeKind.CALLS, "mesh"), Edge("b", "t", EdgeKind.USES, "topic_written"))
    source = Source(edges={0: now, 1: yesterday, 7: last_week})
    evidence = (await WithPast(source, source).gather(WINDOW)).evidence
    assert evidence.edges == (
        *now,
        Edge("b", "c", EdgeKind.CALLS, "mesh, earlier", 3.0, 0.5),
        Edge("b", "t", EdgeKind.USES, "topic_written, earlier", None, 0.5),
    )
    assert "2 dependencies are those of a day or a week before: none are known from now" in evidence.missing


async def test_nothing_changes_where_nothing_is_kept() -> None:
    evidence = (await WithPast(Source(past="empty"), Source(past="empty")).gather(WINDOW)).evidence
    assert np.array_equal(evidence.times, grid(WINDOW))


async def test_a_past_that_cannot_be_read_is_named_and_does_no_harm() -> None:
    evidence = (await WithPast(Source(past="away"), Source(past="away")).gather(WINDOW)).evidence
    assert np.array_equal(evidence.times, grid(WINDOW))
    assert evidence.missing == (
        "one thing",
        "baseline of a week before: no answer",
        "baseline of a day before: no answer",
    )


async def test_closing_closes_the_source() -> None:
    present, past = Source(), Source()
    await WithPast(present, past).aclose()
    assert present.closed
    assert past.closed


async def test_counts_of_the_present_are_unseen_in_the_past() -> None:
    gathered = await WithPast(Source(), Source()).gather(WINDOW)
    closely = await WithPast(Counting(), Source()).detail(WINDOW, gathered, frozenset({"a"}))
    [counts] = closely.counts
    assert counts.hits.shape == (1, len(gathered.evidence.times))
    present = len(grid(WINDOW))
    assert np.isnan(counts.hits[:, :-present]).all()
    np.testing.assert_array_equal(counts.hits[:, -present:], 1.0)


class Counting(Source):
    """Counts one line in each step."""

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        times = grid(window)
        counts = CountPanel(SIGNAL, ("a",), ("text",), np.ones((1, len(times))))
        return Evidence(times, window.start, (), counts=(counts,))
