"""Judges that simulate nothing; importable by the processes and workers that the runner starts."""

from __future__ import annotations

import os

from brain_lab.evaluate.run_result import Judgement, RunResult, RunTruth, SaidCause
from brain_lab.scenario.model import Scenario

ONSET = 1_700_000_000.0


def right(scenario: Scenario) -> RunResult:
    """Says the truth at once."""
    if not scenario.faults:
        return RunResult(scenario.platform, None, scenario.seed)
    entity = f"prod/shop/service/s{scenario.seed}"
    return RunResult(
        scenario.platform,
        scenario.fault,
        scenario.seed,
        truths=(RunTruth(entity, ("latency",), ONSET, "kubernetes"),),
        alert_at=ONSET + 60,
        judgements=(Judgement(ONSET + 70, (SaidCause(entity, "latency", 0.9, ("kubernetes",)),), 0.1, 0.2),),
    )


def raising(scenario: Scenario) -> RunResult:
    """Fails for odd seeds."""
    if scenario.seed % 2:
        raise RuntimeError(f"seed {scenario.seed} broke; password=hunter2")
    return right(scenario)


def dying(scenario: Scenario) -> RunResult:
    """Takes its process with it for seed 3."""
    if scenario.seed == 3:
        os._exit(9)
    return right(scenario)
