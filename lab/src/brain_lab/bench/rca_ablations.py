"""What each signal and each idea of the ranker is worth on recorded incidents: the figures with one of them removed.

All judges are asked one question after another, so that what is costly to gather about a case can be kept for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from brain_common.errors import InputError
from brain_lab.bench.figures import Bar, Progress
from brain_lab.bench.quiet import quiet_cases
from brain_lab.bench.rca import Answer, Course, Judge, question, rank_in
from brain_lab.evaluate.ranks import accuracy
from brain_lab.recorded import list_cases, load_case, truth
from brain_lab.recorded.model import RecordedCase

WHOLE = ""
"""The name of the judge that lacks nothing."""

Answers = Mapping[str, list[Answer | None]]


class Ablation(msgspec.Struct, frozen=True):
    """Of one judge.

    Attributes:
        top1: AC@1.
        top3: AC@3.
        specificity: Share of quiet windows for which no cause was found; None where the data have none.
    """

    top1: float
    top3: float
    specificity: float | None


class AblationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        dataset, ranker, injection_time: See ``RcaFigures``.
        cases: Incidents.
        windows: Quiet windows.
        whole: With everything.
        without: By what was removed.
        idle: Whose removal changed the ranking of no case and the answer about no window.
    """

    bench: str = "rca-ablations"
    dataset: str
    ranker: str
    injection_time: str
    cases: int
    windows: int
    whole: Ablation
    without: Mapping[str, Ablation]
    idle: Sequence[str]
    bars: list[Bar]


def run(course: Course, judges: Mapping[str, Judge], progress: Progress) -> AblationFigures:
    """Ask all judges about every case of a folder, and about the quiet windows of its normal periods.

    Args:
        course: Which cases; rankings and leaks are of no interest here.
        judges: By what they lack; one is ``WHOLE``.
        progress: Told from time to time.

    Raises:
        InputError: The data set or folder is unknown, has no cases, or a file is damaged.
    """
    known = list_cases(course.dataset, course.path)
    if not known:
        raise InputError(f"{course.path}: no cases of {course.dataset} in the folder")
    cases = [load_case(course.dataset, course.path, case) for case in known]
    quiet = list(quiet_cases(cases))
    answers = _ask_all("case", cases, course, judges, progress)
    windows = _ask_all("quiet window", quiet, course, judges, progress)
    truths = [truth(course.dataset, course.path, case) for case in known]
    lines = {}
    for name in judges:
        ranks = [rank_in(answer, right) for answer, right in zip(answers[name], truths, strict=True)]
        lines[name] = Ablation(accuracy(ranks, 1), accuracy(ranks, 3), _specificity(windows[name]))
    return AblationFigures(
        dataset=course.dataset,
        ranker=course.ranker,
        injection_time=course.known,
        cases=len(known),
        windows=len(quiet),
        whole=lines.pop(WHOLE),
        without=lines,
        idle=[name for name in lines if _same(answers, name) and _same(windows, name)],
        bars=[],
    )


def _ask_all(
    what: str, cases: Sequence[RecordedCase], course: Course, judges: Mapping[str, Judge], progress: Progress
) -> Answers:
    answers: dict[str, list[Answer | None]] = {name: [] for name in judges}
    for number, case in enumerate(cases, start=1):
        asked = question(case, course.known)
        for name, judge in judges.items():
            answers[name].append(judge(asked) if asked is not None else None)
        progress(f"{what} {number} of {len(cases)}")
    return answers


def _specificity(windows: Sequence[Answer | None]) -> float | None:
    silent = [answer.silent for answer in windows if answer is not None]
    return sum(silent) / len(silent) if silent else None


def _same(answers: Answers, name: str) -> bool:
    """Whether a judge names the same services in the same order as the one that lacks nothing, in every answer."""
    pairs = zip(answers[name], answers[WHOLE], strict=True)
    return all(_said(one) == _said(other) for one, other in pairs)


def _said(answer: Answer | None) -> tuple[tuple[str, ...], bool]:
    return (answer.services, answer.silent) if answer is not None else ((), True)
