"""Runs a plan of scenarios, in processes of this machine or on a Dask cluster, and gives back one result for each.

The judge simulates a scenario and asks the product; it is passed in and has to be picklable, such as a function of a
module or an instance of a class of one. Results come in the order of the plan, however they were worked off. A run that
raises, or whose process dies, is a result with its error; only the user's own interruption stops the rest.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from brain_common.logs import mask
from brain_lab.evaluate.dask_cluster import judged_on_cluster
from brain_lab.evaluate.progress import Advance, progress_bar
from brain_lab.evaluate.run_result import RunResult
from brain_lab.scenario.model import Scenario

Judge = Callable[[Scenario], RunResult]

LONGEST_ERROR = 500  # characters of a run's error that are kept


def run(
    plan: Sequence[Scenario], judge: Judge, workers: int = 0, dask: str = "", *, show_progress: bool = True
) -> list[RunResult]:
    """Judge every scenario of a plan.

    Args:
        plan: What is played.
        judge: Plays one scenario and asks the product.
        workers: Processes; 0: one for each processor; 1: none beside this one. Not used with ``dask``.
        dask: Address of a Dask scheduler, such as ``tcp://10.0.0.7:8786``; empty: this machine.
        show_progress: Whether a bar is drawn on standard error.

    Returns:
        One result for each scenario, in the order of the plan.

    Raises:
        ConfigError: Dask was asked for and is not installed.
        TemporaryError: The scheduler cannot be reached.
    """
    results: dict[int, RunResult] = {}
    with progress_bar(len(plan), visible=show_progress) as advance:
        for place, result in _working(plan, judge, workers or os.cpu_count() or 1, dask):
            results[place] = result
            _tell(advance, result)
    return [results[place] for place in range(len(plan))]


def judged(judge: Judge, scenario: Scenario) -> RunResult:
    """One result, whatever the judge does; called in the process that does the work."""
    try:
        return judge(scenario)
    except Exception as error:  # noqa: BLE001 - one run that fails must not take the others with it
        return failure(scenario, error)


def failure(scenario: Scenario, error: BaseException) -> RunResult:
    """The result of a run that raised."""
    text = mask(f"{type(error).__name__}: {error}")[:LONGEST_ERROR]
    return RunResult.failed(scenario.platform, scenario.fault or None, scenario.seed, text)


def _working(plan: Sequence[Scenario], judge: Judge, workers: int, dask: str) -> Iterator[tuple[int, RunResult]]:
    """Places in the plan with their results, as they come."""
    if dask:
        return judged_on_cluster(plan, judge, dask, judged, failure)
    if workers == 1:
        return ((place, judged(judge, scenario)) for place, scenario in enumerate(plan))
    return _in_processes(plan, judge, workers)


def _in_processes(plan: Sequence[Scenario], judge: Judge, workers: int) -> Iterator[tuple[int, RunResult]]:
    """A process that dies breaks the whole pool: what it left undone is run again, each in a process of its own, so
    that only the run that kills its process is lost."""
    undone: list[int] = []
    with _pool(workers) as pool:
        futures = {pool.submit(judged, judge, scenario): place for place, scenario in enumerate(plan)}
        try:
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    undone.append(futures[future])
                else:
                    yield futures[future], _result(future, plan[futures[future]])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for place in sorted(undone):
        with _pool(1) as alone:
            yield place, _result(alone.submit(judged, judge, plan[place]), plan[place])


def _pool(workers: int) -> ProcessPoolExecutor:
    """Fresh processes: a forked one would inherit the locks of whatever threads this one has."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _result(future: Future[RunResult], scenario: Scenario) -> RunResult:
    error = future.exception()
    return failure(scenario, error) if error is not None else future.result()


def _tell(advance: Advance, result: RunResult) -> None:
    advance(f"{result.title}: {result.error}" if result.error else result.title)
