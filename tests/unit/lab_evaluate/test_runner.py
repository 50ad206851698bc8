"""The runner gives one result for each scenario in the order of the plan, whatever the runs do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from brain_common.errors import ConfigError, TemporaryError
from brain_lab.evaluate import runner
from brain_lab.evaluate.run_result import RunResult
from brain_lab.scenario import Scenario, plan
from tests.unit.lab_evaluate import judges

PLAN = plan(["finance"], ["oom-kill"], range(6))


def essence(results: Sequence[RunResult]) -> list[tuple[str | None, int, bool]]:
    return [(result.fault, result.seed, bool(result.error)) for result in results]


def expected(scenarios: Sequence[Scenario]) -> list[tuple[str | None, int, bool]]:
    return [(scenario.fault or None, scenario.seed, False) for scenario in scenarios]


def test_results_are_the_same_with_one_process_and_with_several() -> None:
    alone = runner.run(PLAN, judges.right, workers=1, show_progress=False)
    assert essence(alone) == expected(PLAN)
    assert runner.run(PLAN, judges.right, workers=2, show_progress=False) == alone


def test_a_run_that_raises_is_a_row_with_its_error() -> None:
    results = runner.run(PLAN[:4], judges.raising, workers=1, show_progress=False)
    assert [bool(result.error) for result in results] == [False, True, False, True]
    assert results[1].error.startswith("RuntimeError: seed 1 broke")
    assert "hunter2" not in results[1].error
    assert results[1].fault == "oom-kill"


def test_only_the_run_that_kills_its_process_is_lost() -> None:
    results = runner.run(PLAN[:6], judges.dying, workers=2, show_progress=False)
    assert [result.seed for result in results if result.error] == [3]
    assert "BrokenProcessPool" in results[3].error
    assert [result.seed for result in results] == [0, 1, 2, 3, 4, 5]


def test_an_empty_plan_has_no_results() -> None:
    assert runner.run([], judges.right, workers=2, show_progress=False) == []


def test_the_bar_counts_runs_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run(PLAN[:2], judges.right, workers=1)
    said = capsys.readouterr()
    assert "2/2" in said.err
    assert said.out == ""


def test_without_dask_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"ai-devops-brain\[dask\]"):
        runner.run(PLAN, judges.right, dask="tcp://127.0.0.1:1", show_progress=False)


@pytest.mark.filterwarnings("default")
def test_on_a_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        protocol="tcp",
    ) as cluster:
        results = runner.run(PLAN, judges.raising, dask=cluster.scheduler_address, show_progress=False)
    assert results == runner.run(PLAN, judges.raising, workers=1, show_progress=False)


@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    from brain_lab.evaluate import dask_cluster

    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.2)
    with pytest.raises(TemporaryError, match=r"tcp://127\.0\.0\.1:9: cannot be reached"):
        runner.run(PLAN, judges.right, dask="tcp://127.0.0.1:9", show_progress=False)
