"""The published rankers that ours is compared with: they do what their papers say."""

from __future__ import annotations

import numpy as np
import pytest

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.baro import Baro
from brain_engine.rank.protocol import Candidate, Ranker, Situation
from brain_engine.rank.random_walk import RandomWalk
from brain_engine.series import Array, Evidence
from tests.contract.engine.scenes import BASELINE, CPU, LATENCY, STEPS, evidence, panel, shop


def ranked(ranker: Ranker, scene: Evidence) -> dict[str, Candidate]:
    found = find(scene, RobustShift())
    return {one.entity: one for one in ranker.rank(Situation(scene, found, DependencyGraph(scene.edges), ("front",)))}


def row(window: float) -> Array:
    """A baseline of 1 … 5, so a median of 3 and an interquartile range of 2."""
    values = 1.0 + np.arange(STEPS, dtype=np.float64) % 5
    values[BASELINE:] = window
    return values


def test_baro_counts_interquartile_ranges_from_the_median() -> None:
    scene = evidence(panel(CPU, {"a": row(103.0), "b": row(53.0)}))
    weights = {entity: one.weight for entity, one in ranked(Baro(), scene).items()}
    assert weights == {"a": pytest.approx(50.0), "b": pytest.approx(25.0)}


def test_baro_takes_a_constant_series_as_it_is() -> None:
    values = np.ones(STEPS)
    values[BASELINE:] = 8.0
    assert ranked(Baro(), evidence(panel(CPU, {"a": values})))["a"].weight == pytest.approx(7.0)


def test_a_walker_stays_where_deviating_callees_end() -> None:
    weights = {entity: one.weight for entity, one in ranked(RandomWalk(), shop()).items()}
    assert max(weights, key=weights.__getitem__) == "db"


def test_a_walker_goes_round_in_circles_and_without_a_graph_stays() -> None:
    rows = {name: row(100.0) for name in ("front", "cart", "db")}
    circle = evidence(panel(LATENCY, rows), calls=(("front", "cart"), ("cart", "front")))
    weights = {entity: one.weight for entity, one in ranked(RandomWalk(), circle).items()}
    assert weights["front"] == pytest.approx(weights["cart"])
    alone = {entity: one.weight for entity, one in ranked(RandomWalk(), evidence(panel(LATENCY, rows))).items()}
    assert set(alone) == set(rows)
    assert len({round(weight, 9) for weight in alone.values()}) == 1


@pytest.mark.parametrize("ranker", [Baro(), RandomWalk()])
def test_nothing_deviates_nothing_is_ranked(ranker: Ranker) -> None:
    assert ranked(ranker, evidence(panel(CPU, {"a": row(3.0)}))) == {}
