"""The same plan on a Dask cluster, by the address of its scheduler.

Dask is an extra of its own and imported only here. The workers of the cluster need the lab and the product installed in
the versions of this machine; what a run needs beside them travels with the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from brain_common.errors import ConfigError, TemporaryError
from brain_lab.evaluate.run_result import RunResult
from brain_lab.scenario.model import Scenario

CONNECT_SECONDS: Final = 10.0

Judge = Callable[[Scenario], RunResult]


def judged_on_cluster(
    plan: Sequence[Scenario],
    judge: Judge,
    address: str,
    judged: Callable[[Judge, Scenario], RunResult],
    failure: Callable[[Scenario, BaseException], RunResult],
) -> Iterator[tuple[int, RunResult]]:
    """Places in the plan with their results, as they come.

    Args:
        plan: What is played.
        judge: Plays one scenario.
        address: Of the scheduler.
        judged: Runs the judge on a worker, whatever it raises.
        failure: Makes a result of what a worker could not even run: its process died, or its version is another.

    Raises:
        ConfigError: Dask is not installed.
        TemporaryError: The scheduler cannot be reached.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ConfigError("--dask needs the extra dask: pip install 'ai-devops-brain[dask]'") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise TemporaryError(f"Dask scheduler {address}: cannot be reached: {error}") from error
    with client:
        # Not pure: two runs of one scenario are two runs, and no result of an earlier evaluation is taken for this one.
        futures = {client.submit(judged, judge, one, pure=False, retries=0): n for n, one in enumerate(plan)}
        for future in as_completed(list(futures), loop=client.loop):
            place, broken = futures[future], future.exception()
            yield place, failure(plan[place], broken) if broken is not None else future.result()
