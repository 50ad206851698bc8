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
from brain_lab.bench.figures import Bar, Progress
from brain_lab.bench.quiet import quiet_cases
from brain_lab.evaluate.intervals import Interval, bootstrap, wilson
from brain_lab.evaluate.ranks import Ranks, hits, rank_of, reciprocal, share_of_five
from brain_lab.recorded import list_cases, load_case, truth
from brain_lab.recorded.model import RecordedCase
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
    """

    timeline: Timeline
    payload: dict[str, Any]
    now: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product says.

    Attributes:
        services: Names of the causes, best first; empty: no cause found.
        seconds: How long it took.
    """

    services: tuple[str, ...]
    seconds: float


class Judge(Protocol):
    """The product."""

    def __call__(self, question: Question) -> Answer: ...


class RcaFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; intervals are of 95 %.

    Attributes:
        dataset: Which.
        cases: How many.
        ac1: AC@1: share of cases with the truth at the first place.
        ac3: AC@3.
        avg5: Avg@5: mean of AC@1 … AC@5.
        mrr: Mean reciprocal rank.
        seconds: A case, the mean; of the judgement, reading its evidence included.
        specificity: Share of quiet windows for which no cause was found; None where the data have none.
        windows: Quiet windows.
        window_length: Of a quiet window, in incidents, the mean; below 1 where normal periods are short, which makes a
            false alarm less likely.
        unanswered: Cases with a fault for which no cause was found; they count as misses.
        unasked: Cases of which nothing could be watched by an alert rule; likewise.
    """

    bench: str = "rca"
    dataset: str
    cases: int
    ac1: float = msgspec.field(name="AC@1")
    ac3: float = msgspec.field(name="AC@3")
    avg5: float = msgspec.field(name="Avg@5")
    mrr: float = msgspec.field(name="MRR")
    seconds: float
    specificity: float | None
    windows: int
    window_length: float | None
    unanswered: int
    unasked: int
    ac1_interval: tuple[float, float] = msgspec.field(name="AC@1_95ci")
    ac3_interval: tuple[float, float] = msgspec.field(name="AC@3_95ci")
    avg5_interval: tuple[float, float] = msgspec.field(name="Avg@5_95ci")
    mrr_interval: tuple[float, float] = msgspec.field(name="MRR_95ci")
    specificity_interval: tuple[float, float] | None = msgspec.field(name="specificity_95ci")
    bars: list[Bar]


def run(dataset: str, path: Path, judge: Judge, progress: Progress, rankings: Path | None = None) -> RcaFigures:
    """Judge every case of a folder, and the quiet windows of its normal periods.

    Args:
        dataset: One of ``brain_lab.recorded.DATASETS``.
        path: Its folder.
        judge: Asked once for each case and window.
        progress: Told from time to time.
        rankings: File for one line of JSON per case, ``{"case", "ranking": [...]}``; None for none.

    Raises:
        InputError: The data set or folder is unknown, has no cases, or a file is damaged.
    """
    known = list_cases(dataset, path)
    if not known:
        raise InputError(f"{path}: no cases of {dataset} in the folder")
    cases = [load_case(dataset, path, case) for case in known]
    answers = _ask_all("case", cases, judge, progress)
    quiet = list(quiet_cases(cases))
    windows = [one for one in _ask_all("quiet window", quiet, judge, progress) if one is not None]
    services = [answer.services if answer else () for answer in answers]
    if rankings is not None:
        write_rankings(rankings, zip(known, services, strict=True))
    truths = [truth(dataset, path, case).entity for case in known]
    ranks = [rank_of(map(_folded, names), [_folded(name)]) for names, name in zip(services, truths, strict=True)]
    length = _length(quiet) / _length(cases) if quiet else None
    return _figures(dataset, ranks, answers, [not window.services for window in windows], length)


def write_rankings(path: Path, rankings: Iterable[tuple[str, Sequence[str]]]) -> None:
    """One line of JSON per case, as scorers read them."""
    with path.open("w", encoding="utf-8") as out:
        for case, ranking in rankings:
            out.write(json.dumps({"case": case, "ranking": list(ranking)}) + "\n")


def question(case: RecordedCase) -> Question | None:
    """The case as it meets the product; None where no alert rule can watch any of it."""
    timeline = lay_out(case, NOW, plan_for(case.step))
    payload = alarm(timeline)
    return Question(timeline, payload, NOW) if payload is not None else None


def _ask_all(what: str, cases: Sequence[RecordedCase], judge: Judge, progress: Progress) -> list[Answer | None]:
    answers = []
    for number, case in enumerate(cases, start=1):
        asked = question(case)
        answers.append(judge(asked) if asked is not None else None)
        if number % _EVERY == 0 or number == len(cases):
            progress(f"{what} {number} of {len(cases)}")
    return answers


def _folded(service: str) -> str:
    return service.removesuffix("-db")


def _length(cases: Sequence[RecordedCase]) -> float:
    """Rows of an incident, the mean."""
    return sum(len(case.incident.times) for case in cases) / len(cases)


def _figures(
    dataset: str, ranks: Ranks, answers: Sequence[Answer | None], quiet: Sequence[bool], length: float | None
) -> RcaFigures:
    first, third = wilson(hits(ranks, 1), len(ranks)), wilson(hits(ranks, 3), len(ranks))
    five = bootstrap([share_of_five(rank) for rank in ranks])
    reciprocals = bootstrap([reciprocal(rank) for rank in ranks])
    specificity = wilson(sum(quiet), len(quiet)) if quiet else None
    given = [answer for answer in answers if answer is not None]
    return RcaFigures(
        dataset=dataset,
        cases=len(ranks),
        ac1=first.value,
        ac3=third.value,
        avg5=five.value,
        mrr=reciprocals.value,
        seconds=sum(answer.seconds for answer in given) / max(len(given), 1),
        specificity=specificity.value if specificity else None,
        windows=len(quiet),
        window_length=length,
        unanswered=sum(not answer.services for answer in given),
        unasked=len(answers) - len(given),
        ac1_interval=_ends(first),
        ac3_interval=_ends(third),
        avg5_interval=_ends(five),
        mrr_interval=_ends(reciprocals),
        specificity_interval=_ends(specificity) if specificity else None,
        bars=[],
    )


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high
