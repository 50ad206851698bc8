"""What a judgement could not take into account is said, although nothing failed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from brain_engine.graph.dependency import DependencyGraph
from brain_engine.series import Edge, EdgeKind, Evidence
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.analysis.weakness import misdated, weaknesses
from tests.unit.analysis.samples import CART, FRONT, WINDOW, evidence, incident


def snapshot(known: Evidence, *edges: tuple[str, str]) -> Snapshot:
    graph = DependencyGraph([Edge(one, other, EdgeKind.CALLS) for one, other in edges])
    return Snapshot(WINDOW, known, (), graph, frozenset({CART, FRONT, "lab//node/n1"}))


def test_who_has_no_graph_is_named() -> None:
    known = evidence(window=WINDOW)
    assert weaknesses(snapshot(known), (CART,)) == ("no call graph is known for service shop/cart",)
    assert weaknesses(snapshot(known, (FRONT, CART)), (CART,)) == ()


def test_a_node_and_what_nothing_is_known_about_are_not() -> None:
    assert weaknesses(snapshot(evidence(window=WINDOW)), ("lab//node/n1", "lab/shop/service/ghost")) == ()


def test_a_short_baseline_is_said() -> None:
    known = evidence(window=WINDOW)
    late = int(np.searchsorted(known.times, known.window_start)) - 1
    panels = tuple(replace(one, values=_only_from(one.values, late)) for one in known.panels)
    said = weaknesses(snapshot(replace(known, panels=panels), (FRONT, CART)), (CART,))
    assert said == ("the baseline is only 1 sample",)


@pytest.mark.parametrize(("starts_at", "day"), [(-62135596800.0, "0001-01-01"), (32503680000.0, "3000-01-01")])
def test_an_alert_that_says_a_time_that_cannot_be_is_said(starts_at: float, day: str) -> None:
    right = incident()
    assert misdated(right) == ()
    wrong = msgspec.structs.replace(right.alerts[0], starts_at=starts_at)
    [said] = misdated(msgspec.structs.replace(right, alerts=(*right.alerts, wrong)))
    assert said.startswith(f"an alert says that it began on {day}, which cannot be")


def _only_from(values: np.ndarray, start: int) -> np.ndarray:
    cut = values.copy()
    cut[:, :start] = np.nan
    return cut
