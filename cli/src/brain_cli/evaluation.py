"""One evaluation from the options of ``brain lab evaluate`` to its scores."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from brain_cli.ablation import SIGNALS, ranker_named, ranker_without
from brain_cli.simulated import SimulatedJudge
from brain_common.errors import ConfigError
from brain_lab.evaluate import runner
from brain_lab.evaluate.report import render_report, words
from brain_lab.evaluate.run_result import RunResult
from brain_lab.evaluate.runner import Judge
from brain_lab.evaluate.scores import Group, Scores, score
from brain_lab.faults import registry as faults
from brain_lab.output import open_output
from brain_lab.platforms import registry as platforms
from brain_lab.scenario import Scenario, load_scenarios, plan, seeds_of, spread
from brain_lab.scenario.play import possible, truths

_REPORT: Final = "--report"
_LEAST_WIDTH = 120  # columns of the table on standard output; a narrower terminal wraps them


@dataclass(frozen=True, slots=True)
class Request:
    """What is evaluated: the scenarios of a file or folder, or else a plan.

    Empty platforms and faults mean all there are. What is ``ablated``, a signal or an idea of the ranker, is left out.
    The file for the ``report`` is only tried.
    """

    platforms: tuple[str, ...]
    faults: tuple[str, ...]
    seeds: str
    ranker: str
    workers: int
    dask: str
    scenarios: Path | None = None
    ablated: str = ""
    report: Path | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All runs, and their scores."""

    ranker: str
    runs: tuple[RunResult, ...]
    scores: Scores
    ablated: str = ""

    def page(self) -> str:
        """The report, HTML."""
        return render_report(self.runs, self.ranker, self.scores)

    def write(self, report: Path) -> None:
        """The page into a file.

        Raises:
            InputError: It cannot be written.
        """
        with open_output(_REPORT, report) as out:
            out.write(self.page())

    def show(self, *, as_json: bool) -> None:
        """The scores on standard output."""
        if as_json:
            said = {"bench": "lab", "ranker": self.ranker, "ablated": self.ablated, **msgspec.to_builtins(self.scores)}
            sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
            sys.stdout.flush()
        else:
            _print(self.scores)


def evaluation(request: Request, judge: Judge | None = None) -> Evaluation:
    """Plan, run and score.

    Args:
        request: What is evaluated.
        judge: Plays a scenario and asks the product; None: the simulator and a real Prometheus.

    Raises:
        ConfigError: There is no such platform, fault or ranker, the seeds are none, or nothing is left to run.
        InputError: There is nothing of that name to take away, or the report cannot be written.
        TemporaryError: The Dask scheduler cannot be reached.
    """
    ranker_named(request.ranker)  # a name that is none is said now, as is one of what is taken away
    if request.ablated and request.ablated not in SIGNALS:
        ranker_without(request.ranker, request.ablated)
    judging = judge or SimulatedJudge(request.ranker, request.ablated)
    scenarios = planned(request)
    if request.report is not None:
        open_output(_REPORT, request.report).close()  # after hours of runs it would be too late to hear of it
    runs = runner.run(scenarios, judging, request.workers, request.dask)
    return Evaluation(request.ranker, tuple(runs), score(runs), request.ablated)


def planned(request: Request) -> Sequence[Scenario]:
    """The scenarios; those of faults that a platform has nothing for are left out."""
    if request.scenarios is not None:
        return _written(request, request.scenarios)
    names = request.faults or (*faults.names(), *faults.combinations())
    chosen = plan(request.platforms or platforms.names(), names, seeds_of(request.seeds))
    kept = [scenario for scenario in chosen if possible(scenario)]
    if not any(scenario.faults for scenario in kept):
        raise ConfigError("none of the platforms has anything that one of the faults could break")
    return kept if request.platforms else spread(kept)


def _written(request: Request, path: Path) -> Sequence[Scenario]:
    if request.platforms or request.faults:
        raise ConfigError("--scenarios: the files say platform and faults; leave out --platform and --faults")
    written = load_scenarios(path, platforms.names(), faults.names())
    for scenario in written:
        truths(scenario)  # a target that is none is said now, not after an hour of others
    return written


def _print(scores: Scores) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("runs of", no_wrap=True)
    for title in (
        "runs",
        "first",
        "first three",
        "Avg@5",
        "specificity",
        "right kind",
        "right fix",
        "onset off by",
        "to localise",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for name, group in (("all", scores.overall), *scores.by_platform.items(), *scores.by_fault.items()):
        table.add_row(name, *_cells(group))
    width = max(Console().width, _LEAST_WIDTH)
    console = Console(highlight=False, width=width)
    console.print(table)
    if scores.ece is not None:
        console.print(
            f"calibration error {scores.ece:.2f} of what is said first, over {scores.calibration.count} judgements"
        )


def _cells(group: Group) -> tuple[str, ...]:
    return (
        f"{group.runs} + {group.quiet_runs}" + (f", {group.failed} failed" if group.failed else ""),
        words.share(group.top1),
        words.share(group.top3),
        words.share(group.avg5),
        words.share(group.specificity),
        words.share(group.kind),
        words.share(group.proposal),
        words.samples(group.onset_error_samples),
        words.lasted(group.seconds_to_localise3),
    )
