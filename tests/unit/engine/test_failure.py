"""A thing whose answers nobody measures fails because something that it uses fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_engine.findings import Finding
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.blame import Blame
from brain_engine.rank.explain_away import ExplainAway
from brain_engine.rank.failure import accounted, began_to_fail, blame_of_failures
from brain_engine.rank.protocol import Situation
from brain_engine.rank.timing import Timing
from brain_engine.series import Direction, Edge, EdgeKind, Family, Signal
from tests.contract.engine.scenes import T0, evidence

FAILED = Signal("pipeline_failed", Family.ERRORS, "pipelines", Direction.UP)
TIMING = Timing(trouble=1_000.0, tolerance=30.0)
PIPELINE = Edge("pipeline", "workspace", EdgeKind.USES)


def blamed(failing: dict[str, float], *edges: Edge, measured: frozenset[str] = frozenset()) -> Blame:
    return blame_of_failures(failing, edges, measured, TIMING)


@pytest.mark.parametrize(("used", "excused"), [(900.0, True), (1_030.0, True), (1_040.0, False)])
def test_what_it_uses_has_to_fail_before_or_at_the_same_time(used: float, excused: bool) -> None:
    assert bool(blamed({"pipeline": 1_000.0, "workspace": used}, PIPELINE)) is excused


def test_all_that_it_uses_and_that_fails_accounts_for_it_together() -> None:
    failing = {"pipeline": 1_000.0, "workspace": 990.0, "registry": 990.0, "runner": 990.0}
    edges = [Edge("pipeline", name, EdgeKind.USES) for name in ("workspace", "registry", "well")]
    assert blamed(failing, *edges) == {"pipeline": {"registry": 0.4, "workspace": 0.4}}


def test_errors_of_whose_answers_are_measured_flow_with_the_requests() -> None:
    assert not blamed({"pipeline": 1_000.0, "workspace": 990.0}, PIPELINE, measured=frozenset({"pipeline"}))


def test_a_machine_is_not_used_in_this_way() -> None:
    assert not blamed({"job": 1_000.0, "node": 990.0}, Edge("job", "node", EdgeKind.RUNS_ON))


def test_two_that_use_each_other_excuse_nobody() -> None:
    back = Edge("workspace", "pipeline", EdgeKind.USES)
    assert not blamed({"pipeline": 1_000.0, "workspace": 990.0}, PIPELINE, back)


def test_the_first_of_its_errors_counts() -> None:
    cpu = Signal("cpu", Family.CPU, "cores", Direction.UP)
    found = [failed("a", 5.0, 40.0), failed("a", 5.0, 20.0), failed("a", 5.0, 10.0, cpu), failed("b", 5.0, 10.0, cpu)]
    assert began_to_fail({"a": found[:3], "b": found[3:]}) == {"a": T0 + 20.0}


@pytest.mark.parametrize(("evidence", "added"), [(2.0, 2.0), (20.0, 8.0)])
def test_what_it_accounts_for_adds_as_much_again_at_most(evidence: float, added: float) -> None:
    step = accounted("workspace", {"pipeline": {"workspace": 0.8}}, {"pipeline": 10.0}, evidence)
    assert step is not None
    assert step.nats == pytest.approx(added)


def test_what_accounts_for_nothing_gets_nothing() -> None:
    assert accounted("other", {"pipeline": {"workspace": 0.8}}, {"pipeline": 10.0}, 5.0) is None
    assert accounted("workspace", {"pipeline": {"workspace": 0.8}}, {"pipeline": 10.0}, 0.0) is None


def failed(entity: str, nats: float, after: float, signal: Signal = FAILED) -> Finding:
    return Finding(entity, signal, 0, nats, 0.9, T0 + after, Direction.UP, 0.0, 1.0)


def test_the_workspace_that_failed_is_ahead_of_the_pipeline_that_failed_for_it() -> None:
    scene = replace(evidence(), edges=(PIPELINE,))
    findings = (failed("pipeline", 13.0, 60.0), failed("workspace", 3.0, 0.0))
    first, second = ExplainAway().rank(Situation(scene, findings, DependencyGraph([PIPELINE]), ("pipeline",), T0 + 90))
    assert (first.entity, second.entity) == ("workspace", "pipeline")
    assert first.parts[-1].what == "what uses it fails as well"
    assert second.against == ("most of its trouble comes from workspace, which it depends on",)
    assert sum(part.nats for part in second.parts) == pytest.approx(second.weight)
