"""How often the judgement is right on recorded public incidents, and how often it rightly says that there is none.

The judge is passed in: it gets a replayed case and the notification about it, and never learns which case it is. Truth
is read after the last answer has been given.

Data sets name the database of a service `<service>-db`; it counts as the service, as in their authors' own scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from brain_common.errors import InputError
from brain_engine.series import Family
from brain_lab.bench.figures import Progress, exactly
from brain_lab.bench.peers import Peer, ask, check, peer_of, table_of
from brain_lab.bench.quiet import moment_of, quiet_cases
from brain_lab.bench.rca_figures import RcaFigures, by_alarm, ends, grouped, intervals_of, scores_of
from brain_lab.bench.renaming import renamings, same_ranking
from brain_lab.bench.told import InjectionTime, told
from brain_lab.evaluate.intervals import wilson
from brain_lab.evaluate.ranks import rank_of
from brain_lab.output import open_output
from brain_lab.recorded import list_cases, load_case, truth
from brain_lab.recorded.model import RecordedCase
from brain_lab.recorded.truth import Truth
from brain_lab.replay.alarm import alarm
from brain_lab.replay.timeline import Timeline, lay_out, plan_for

NOW: Final = 1_700_000_400.0
"""When every replay ends, seconds since the epoch; a fixed moment, so that the figures are the same tomorrow."""

_EVERY: Final = 10
"""Cases between two lines about the progress."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the product is asked.

    Attributes:
        timeline: The case on the scrape times of a Prometheus.
        payload: The notification.
        now: Seconds since the epoch.
        told: Whether the alerts say when the fault began, as far as anybody knows, rather than when a rule fired.
    """

    timeline: Timeline
    payload: dict[str, Any]
    now: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product says.

    Attributes:
        services: Names in the order in which people would look at them, best first: the causes, or where none was
            found what comes nearest.
        seconds: How long it took.
        probabilities: Of the causes; of what only comes near its evidence.
        named: Whether a cause was found.
    """

    services: tuple[str, ...]
    seconds: float
    probabilities: tuple[float, ...]
    named: bool = True

    @property
    def silent(self) -> bool:
        """Whether the answer is "no cause found"."""
        return not (self.named and self.services)

    @property
    def ranking(self) -> list[tuple[str, float]]:
        """Causes with their probabilities."""
        return list(zip(self.services, self.probabilities, strict=True))


class Judge(Protocol):
    """The product."""

    def __call__(self, question: Question) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Course:
    """How a data set is gone through.

    Attributes:
        dataset: One of ``brain_lab.recorded.DATASETS``.
        path: Its folder.
        known: What the judge is told about when the fault began.
        rankings: File for one line of JSON per case, ``{"case", "ranking": [...]}``; None for none.
        leak_check: Whether each case is judged again under other names and in another order.
        ranker, ablated: Of the judge, for the report.
        peers: Interpreter of an environment with published methods, which are asked the same; None for none.
    """

    dataset: str
    path: Path
    known: InjectionTime = InjectionTime.UNKNOWN
    rankings: Path | None = None
    leak_check: bool = False
    ranker: str = ""
    ablated: str = ""
    peers: Path | None = None


def run(course: Course, judge: Judge, progress: Progress) -> RcaFigures:
    """Judge every case of a folder, and the quiet windows of its normal periods.

    Args:
        course: Which cases, and how.
        judge: Asked once for each case and window.
        progress: Told from time to time.

    Raises:
        InputError: The data set or folder is unknown, has no cases, or a file is damaged; the file for the rankings
            cannot be written; or the peers are no Python with their packages.
    """
    if course.rankings is not None:
        open_output("--rankings", course.rankings).close()
    if course.peers is not None:
        check(course.peers)
    known = list_cases(course.dataset, course.path)
    if not known:
        raise InputError(f"{course.path}: no cases of {course.dataset} in the folder")
    cases = [load_case(course.dataset, course.path, case) for case in known]
    asker = _Asker(judge, course.known, progress)
    answers = asker.ask_all("case", cases)
    quiet = list(quiet_cases(cases))
    windows = asker.ask_all("quiet window", quiet)
    leaks = _leaks(cases, answers, asker) if course.leak_check else None
    services = [answer.services if answer else () for answer in answers]
    if course.rankings is not None:
        write_rankings(course.rankings, zip(known, services, strict=True))
    truths = [truth(course.dataset, course.path, case) for case in known]
    length = _length(quiet) / _length(cases) if quiet else None
    figures = _figures(course, _Outcome(truths, answers, quiet, windows, length, leaks))
    if course.peers is None:
        return figures
    return msgspec.structs.replace(figures, peers=_beside(figures, cases, truths, course.peers, course, progress))


def write_rankings(path: Path, rankings: Iterable[tuple[str, Sequence[str]]]) -> None:
    """One line of JSON per case, as scorers read them.

    Raises:
        InputError: The file cannot be written.
    """
    with open_output("--rankings", path) as out:
        for case, ranking in rankings:
            out.write(json.dumps({"case": case, "ranking": list(ranking)}) + "\n")


def question(case: RecordedCase, known: InjectionTime = InjectionTime.UNKNOWN) -> Question | None:
    """The case as it meets the product; None where no alert rule can watch any of it."""
    timeline = lay_out(case, NOW, plan_for(case.step))
    payload = alarm(timeline)
    if payload is None:
        return None
    return Question(timeline, told(payload, timeline, known), NOW, told=known is not InjectionTime.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Asker:
    judge: Judge
    known: InjectionTime
    progress: Progress

    def ask_all(self, what: str, cases: Sequence[RecordedCase]) -> list[Answer | None]:
        answers = []
        for number, case in enumerate(cases, start=1):
            asked = question(case, self.known)
            answers.append(self.judge(asked) if asked is not None else None)
            if number % _EVERY == 0 or number == len(cases):
                self.progress(f"{what} {number} of {len(cases)}")
        return answers


def _leaks(cases: Sequence[RecordedCase], answers: Sequence[Answer | None], asker: _Asker) -> int:
    """Rankings that are not as they were under other names and in another order."""
    leaks = 0
    for place in range(2):
        renamed = [renamings(case, seed)[place] for seed, case in enumerate(cases)]
        again = asker.ask_all("renamed case", [one.case(case) for one, case in zip(renamed, cases, strict=True)])
        for one, before, after in zip(renamed, answers, again, strict=True):
            pairs = list(zip(one.back(after.services), after.probabilities, strict=True)) if after else []
            leaks += not same_ranking(before.ranking if before else [], pairs)
    return leaks


@dataclass(frozen=True, slots=True)
class _Outcome:
    truths: Sequence[Truth]
    answers: Sequence[Answer | None]
    quiet: Sequence[RecordedCase]
    windows: Sequence[Answer | None]
    length: float | None
    leaks: int | None


def _beside(
    figures: RcaFigures,
    cases: Sequence[RecordedCase],
    truths: Sequence[Truth],
    python: Path,
    course: Course,
    progress: Progress,
) -> dict[str, Peer]:
    """Ours first, then those of the peers; a method that always names something is never silent."""
    silent = None if figures.specificity is None else 0.0
    failed = figures.unanswered + figures.unasked
    ours = (figures.top1, figures.top3, figures.avg5, figures.specificity, figures.seconds_per_case, failed)
    found = {course.ranker: Peer(*ours)}
    for name, answers in ask(python, [table_of(case, course.known) for case in cases], progress).items():
        ranks = [rank_of_truth(answer.services, right) for answer, right in zip(answers, truths, strict=True)]
        found[f"{name} (peer)"] = peer_of(answers, ranks, silent)
    return found


def _folded(service: str) -> str:
    return service.removesuffix("-db")


def _length(cases: Sequence[RecordedCase]) -> float:
    """Rows of an incident, the mean."""
    return sum(len(case.incident.times) for case in cases) / len(cases)


def rank_in(answer: Answer | None, right: Truth) -> int | None:
    """At which place of an answer the true service is; None if it is nowhere."""
    return rank_of_truth(answer.services if answer else (), right)


def rank_of_truth(services: Sequence[str], right: Truth) -> int | None:
    """The same of names, best first."""
    return rank_of(map(_folded, services), [_folded(right.entity)])


def _figures(course: Course, outcome: _Outcome) -> RcaFigures:
    ranks = [rank_in(answer, right) for answer, right in zip(outcome.answers, outcome.truths, strict=True)]
    scores, intervals = scores_of(ranks), intervals_of(ranks)
    asked = [(case, one) for case, one in zip(outcome.quiet, outcome.windows, strict=True) if one is not None]
    silent = [one.silent for _, one in asked]
    specificity = wilson(sum(silent), len(silent)) if silent else None
    given = [answer for answer in outcome.answers if answer is not None]
    systems = grouped((right.system for right in outcome.truths), ranks)
    return RcaFigures(
        dataset=course.dataset,
        ranker=course.ranker,
        injection_time=course.known,
        ablated=course.ablated,
        cases=scores.cases,
        top1=scores.top1,
        named1=sum(rank == 1 and _is_named(one) for rank, one in zip(ranks, outcome.answers, strict=True)) / len(ranks),
        top3=scores.top3,
        avg5=scores.avg5,
        mrr=scores.mrr,
        seconds_per_case=sum(answer.seconds for answer in given) / max(len(given), 1),
        specificity=specificity.value if specificity else None,
        specificity_by_alarm=by_alarm(
            [_alarm_kind(case) for case, _ in asked], [moment_of(case) for case, _ in asked], silent
        ),
        windows=len(silent),
        window_length=outcome.length,
        unanswered=sum(answer.silent for answer in given),
        unasked=len(outcome.answers) - len(given),
        top1_interval=intervals.top1,
        top3_interval=intervals.top3,
        avg5_interval=intervals.avg5,
        mrr_interval=intervals.mrr,
        specificity_interval=ends(specificity) if specificity else None,
        by_fault=grouped((right.fault for right in outcome.truths), ranks),
        by_system=systems if len(systems) > 1 else {},
        leaks=outcome.leaks,
        bars=[exactly("leaks", outcome.leaks, 0)] if outcome.leaks is not None else [],
    )


def _is_named(answer: Answer | None) -> bool:
    return answer is not None and not answer.silent


def _alarm_kind(case: RecordedCase) -> str:
    """As operators call it."""
    if case.target is None:
        return ""
    family = case.target.measure.family
    return "availability" if family is Family.ERRORS else family.value
