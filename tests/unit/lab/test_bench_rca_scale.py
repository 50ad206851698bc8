"""The table of what a judgement costs: systems are as said, and the figures fit together."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from brain_engine.deviations import Detector
from brain_engine.findings import Finding, find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.plugins import UnknownPluginError
from brain_engine.series import Evidence
from brain_lab.bench import rca_scale


def quietly(_line: str) -> None:
    """No progress."""


def test_figures_of_small_sizes() -> None:
    figures = rca_scale.run("explain-away", 1, quietly, sizes=(20, 40))
    said = json.loads(msgspec.json.encode(figures))
    assert said["by_services"]["40"]["series"] == 40 * rca_scale.SIGNALS
    for cost in (said["small"], *said["by_services"].values()):
        assert cost["seconds"] == pytest.approx(cost["find_seconds"] + cost["judge_seconds"])
        assert cost["right"]
    assert {bar["figure"] for bar in said["bars"]} == {"small.seconds", "by_services.20.seconds", "growth"}


def test_the_first_judgement_of_a_process_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def noted(evidence: Evidence, detector: Detector) -> tuple[Finding, ...]:
        judged.append(len(evidence.panels[0].entities))
        return find(evidence, detector)

    monkeypatch.setattr(rca_scale, "find", noted)
    rca_scale.run("explain-away", 1, quietly, sizes=(20, 40))
    assert judged == [10, 10, 20, 40]


def test_systems_have_circles_and_are_the_same_each_time() -> None:
    evidence, culprit = rca_scale.system(200, 4)
    again, _ = rca_scale.system(200, 4)
    assert all(
        np.array_equal(one.values, other.values) for one, other in zip(evidence.panels, again.panels, strict=True)
    )
    graph = DependencyGraph(evidence.edges)
    assert any(edge.dependent in graph.distances(edge.dependency) for edge in evidence.edges)
    assert culprit in graph.distances(evidence.panels[0].entities[0])


def test_an_unknown_ranker_is_refused() -> None:
    with pytest.raises(UnknownPluginError):
        rca_scale.run("none-such", 1, quietly, sizes=(10,))
