"""Delay on the way: found between two latencies, given to the end that explains most."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import find
from brain_engine.series import Array, Direction, EdgePanel, Evidence, Family, Signal
from brain_engine.ways import DELAY, with_delays

STEPS, ONSET = 120, 90
CALLS = (("front", "cart"), ("front", "ads"), ("front", "mail"), ("cart", "db"), ("cart", "mail"))


def scene(late: set[tuple[str, str]], slow: set[tuple[str, str]] = frozenset(), server: bool = True) -> Evidence:  # type: ignore[assignment]
    """``late``: the way takes 200 ms longer; ``slow``: the callee does, so that both ends see it."""
    drawn = np.random.default_rng(1)
    usual = 0.01 + 0.0005 * drawn.standard_normal((len(CALLS), STEPS))
    at_server = usual + _after(slow)
    at_client = at_server + 0.002 + 0.0001 * drawn.standard_normal(usual.shape) + _after(late)
    panels = [_panel("call_seconds_at_client", at_client)]
    panels += [_panel("call_seconds_at_server", at_server)] if server else []
    return Evidence(15.0 * np.arange(STEPS), 15.0 * 80, (), edge_panels=tuple(panels))


def _after(calls: set[tuple[str, str]]) -> Array:
    chosen = np.array([call in calls for call in CALLS])[:, None]
    return np.where(chosen & (np.arange(STEPS) >= ONSET), 0.2, 0.0)


def _panel(name: str, values: Array) -> EdgePanel:
    signal = Signal(name, Family.LATENCY, "seconds", Direction.UP)
    return EdgePanel(signal, tuple(one for one, _ in CALLS), tuple(other for _, other in CALLS), values)


def blamed(evidence: Evidence) -> list[str]:
    return [finding.entity for finding in find(with_delays(evidence, RobustShift()), RobustShift())]


@pytest.mark.parametrize(
    ("late", "whose"),
    [
        ({("front", "mail"), ("cart", "mail")}, "mail"),  # all calls to it
        ({("front", "cart"), ("cart", "db"), ("cart", "mail")}, "cart"),  # to it and from it
        ({("front", "cart"), ("front", "ads"), ("front", "mail")}, "front"),  # all calls from it
        ({("front", "ads")}, "ads"),  # not front, whose other calls are quick
    ],
)
def test_a_delay_is_given_to_the_end_that_explains_most(late: set[tuple[str, str]], whose: str) -> None:
    assert blamed(scene(late)) == [whose]


def test_two_slow_ways_are_two() -> None:
    late = {("front", "ads"), ("cart", "db")}
    assert sorted(blamed(scene(late))) == ["ads", "db"]


def test_a_slow_callee_is_no_slow_way() -> None:
    assert blamed(scene(set(), slow={("front", "cart"), ("front", "ads")})) == []


def test_without_both_ends_nothing_is_said() -> None:
    evidence = scene({("front", "ads")}, server=False)
    assert with_delays(evidence, RobustShift()) is evidence


def test_the_panel_is_the_mean_of_what_was_given() -> None:
    evidence = with_delays(scene({("front", "mail"), ("cart", "mail")}), RobustShift())
    (panel,) = evidence.panels
    assert (panel.signal.name, panel.signal.family, panel.entities) == (DELAY, Family.NETWORK, ("mail",))
    assert panel.values[0, ONSET:].mean() == pytest.approx(0.202, abs=0.001)
    assert panel.values[0, :ONSET].mean() == pytest.approx(0.002, abs=0.001)


def test_missing_samples_are_left_out_and_absurd_ones_do_not_spread() -> None:
    evidence = scene({("front", "mail"), ("cart", "mail")})
    evidence.edge_panels[0].values[0] = np.nan
    evidence.edge_panels[0].values[1, 5] = np.inf
    evidence.edge_panels[1].values[3] = 1e300
    assert blamed(evidence) == ["mail"]
