"""The page as text: a pure function of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from brain_lab.evaluate.report import words
from brain_lab.evaluate.report.course import course
from brain_lab.evaluate.report.heat_map import heat_map
from brain_lab.evaluate.report.reliability import reliability
from brain_lab.evaluate.report.worst import SHOWN, count_wrong, worst
from brain_lab.evaluate.run_result import RunResult
from brain_lab.evaluate.scores import Scores, score


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the table at the top."""

    name: str
    value: str
    interval: str
    runs: str
    meaning: str


def render_report(runs: Sequence[RunResult], ranker: str, scores: Scores | None = None) -> str:
    """HTML.

    Args:
        runs: All of an evaluation.
        ranker: Whose judgement it is: entry point of the ranker.
        scores: Of these runs, where they have been computed already.
    """
    scores = scores or score(runs)
    failed = [run for run in runs if run.error]
    return (
        _environment()
        .get_template("report.html")
        .render(
            ranker=words.clip(ranker),
            scores=scores,
            rows=_rows(scores),
            heat=heat_map(scores),
            reliability=reliability(scores.calibration),
            course=course(runs),
            worst=worst(runs),
            wrong=count_wrong(runs),
            shown=SHOWN,
            unreadable=_unreadable(runs),
            failed=[(words.clip(run.title), words.clip(run.error)) for run in failed],
            words=words,
        )
    )


def _rows(scores: Scores) -> tuple[Row, ...]:
    group = scores.overall
    shares = (
        ("AC@1", group.top1, "the true cause came first"),
        ("AC@3", group.top3, "it was among the first three"),
        ("Avg@5", group.avg5, "mean of AC@1 to AC@5"),
        ("Specificity", group.specificity, "nothing was broken, and no cause was named"),
        ("Alerted", group.detected, "an alert fired after the onset"),
        ("Right kind", group.kind, "the fault was called what it was, where the cause was right"),
        ("Right fix", group.proposal, "the kind of fix that helps was proposed, where the cause was right"),
    )
    times = (
        ("To first alert", group.seconds_to_detect, "from the onset, where one fired"),
        ("To localise, top 3", group.seconds_to_localise3, "from the onset, where it was"),
        ("To localise, top 1", group.seconds_to_localise1, "from the onset, where it was"),
        ("To answer", group.seconds_to_answer, "a judgement of the product"),
    )
    return tuple(
        Row(name, words.share(one), words.span(one), str(one.runs if one else 0), meaning)
        for name, one, meaning in shares
    ) + tuple(
        Row(name, words.lasted(one), words.lasted_span(one), str(one.runs if one else 0), meaning)
        for name, one, meaning in times
    )


def _unreadable(runs: Sequence[RunResult]) -> list[tuple[str, str, int]]:
    """(fault, why, runs) of what the product cannot read yet."""
    counted: dict[tuple[str, str], int] = {}
    for run in runs:
        if run.unreadable and not run.error:
            key = (words.clip(run.fault or ""), words.clip(run.unreadable))
            counted[key] = counted.get(key, 0) + 1
    return [(fault, why, number) for (fault, why), number in sorted(counted.items())]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("brain_lab.evaluate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
