"""All figures of an evaluation, overall, by platform, by fault, and by both.

Every run with a fault counts: one for which no alert fired, or whose signals the product cannot read, is a miss. Only
runs that failed by themselves say nothing, and are counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import median
from typing import TypeVar

import msgspec

from brain_lab.evaluate.calibration import Calibration, calibration
from brain_lab.evaluate.intervals import Interval, bootstrap, wilson
from brain_lab.evaluate.marks import (
    all_said,
    detected_after,
    first_said,
    kind_is_right,
    localised_after,
    onset_error,
    proposal_is_right,
    rank,
)
from brain_lab.evaluate.ranks import hits, share_of_five
from brain_lab.evaluate.run_result import RunResult

Key = TypeVar("Key", bound=Hashable)


class Figure(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval, and of how many runs it is made."""

    value: float
    low: float
    high: float
    runs: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of some runs; None where there is nothing to measure. Times in seconds.

    Attributes:
        runs: With a fault.
        quiet_runs: Without one.
        failed: That came to nothing and are in no figure.
        silent: With a fault, for which no alert fired; they are misses.
        unreadable: With a fault whose signals the product cannot read yet; they are misses unless it found them anyway.
        top1: AC@1.
        top3: AC@3.
        avg5: Avg@5.
        specificity: Share of runs without a fault in which no cause was named.
        kind: Of right first causes, those whose fault kind is right.
        proposal: Of right first causes with a known fix, those with a proposal of that kind.
        onset_error_samples: Of right first causes, the median of how many samples their onset is off.
        detected: Share of runs with a fault in which an alert fired after the onset.
        seconds_to_detect: From onset to first alert, the mean of those detected.
        seconds_to_localise1: From onset to the first judgement with the truth first, the mean of those that had one.
        seconds_to_localise3: Likewise, among the first three.
        seconds_to_answer: That the product took for a judgement, the mean.
    """

    runs: int
    quiet_runs: int
    failed: int
    silent: int
    unreadable: int
    top1: Figure | None
    top3: Figure | None
    avg5: Figure | None
    specificity: Figure | None
    kind: Figure | None
    proposal: Figure | None
    onset_error_samples: float | None
    detected: Figure | None
    seconds_to_detect: Figure | None
    seconds_to_localise1: Figure | None
    seconds_to_localise3: Figure | None
    seconds_to_answer: Figure | None


class Cell(msgspec.Struct, frozen=True):
    """One platform and one fault."""

    platform: str
    fault: str
    group: Group


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation.

    ``top1`` to ``onset_error_samples`` are those of ``overall`` and of ``calibration``, for scripts.

    Attributes:
        calibration: Of the first thing said in each run.
        calibration_of_all: Of everything said: each listed cause, and "none of them".
    """

    top1: float | None
    top3: float | None
    avg5: float | None
    specificity: float | None
    kind: float | None
    ece: float | None
    onset_error_samples: float | None
    overall: Group
    calibration: Calibration
    calibration_of_all: Calibration
    by_platform: dict[str, Group]
    by_fault: dict[str, Group]
    by_both: tuple[Cell, ...]


def score(runs: Sequence[RunResult]) -> Scores:
    """All figures; the order of the runs changes none of them but the ends of bootstrapped intervals."""
    overall = group(runs)
    said = [one for one in map(first_said, _sound(runs)) if one is not None]
    first, every = calibration(said), calibration([one for run in _sound(runs) for one in all_said(run)])
    return Scores(
        top1=_value(overall.top1),
        top3=_value(overall.top3),
        avg5=_value(overall.avg5),
        specificity=_value(overall.specificity),
        kind=_value(overall.kind),
        ece=first.ece,
        onset_error_samples=overall.onset_error_samples,
        overall=overall,
        calibration=first,
        calibration_of_all=every,
        by_platform={name: group(part) for name, part in _by(runs, lambda run: run.platform)},
        by_fault={name: group(part) for name, part in _by(_faulty(runs), lambda run: run.fault or "")},
        by_both=tuple(
            Cell(platform, fault, group(part))
            for (platform, fault), part in _by(_faulty(runs), lambda run: (run.platform, run.fault or ""))
        ),
    )


def group(runs: Sequence[RunResult]) -> Group:
    """Figures of some runs."""
    sound = _sound(runs)
    faulty = _faulty(sound)
    quiet = [run for run in sound if run.fault is None]
    ranks = [rank(run) for run in faulty]
    return Group(
        runs=len(faulty),
        quiet_runs=len(quiet),
        failed=len(runs) - len(sound),
        silent=sum(run.alert_at is None for run in faulty),
        unreadable=sum(bool(run.unreadable) for run in faulty),
        top1=_share(hits(ranks, 1), len(ranks)),
        top3=_share(hits(ranks, 3), len(ranks)),
        avg5=_mean(share_of_five(place) for place in ranks),
        specificity=_share(sum(run.no_cause for run in quiet), len(quiet)),
        kind=_share_of(map(kind_is_right, faulty)),
        proposal=_share_of(map(proposal_is_right, faulty)),
        onset_error_samples=_median(map(onset_error, faulty)),
        detected=_share(sum(detected_after(run) is not None for run in faulty), len(faulty)),
        seconds_to_detect=_mean(map(detected_after, faulty)),
        seconds_to_localise1=_mean(localised_after(run, 1) for run in faulty),
        seconds_to_localise3=_mean(localised_after(run, 3) for run in faulty),
        seconds_to_answer=_mean(one.seconds for run in sound for one in run.judgements if one.seconds == one.seconds),
    )


def _sound(runs: Iterable[RunResult]) -> list[RunResult]:
    return [run for run in runs if not run.error]


def _faulty(runs: Iterable[RunResult]) -> list[RunResult]:
    return [run for run in runs if run.fault is not None]


def _by(runs: Iterable[RunResult], key: Callable[[RunResult], Key]) -> list[tuple[Key, list[RunResult]]]:
    parts: dict[Key, list[RunResult]] = {}
    for run in runs:
        parts.setdefault(key(run), []).append(run)
    return sorted(parts.items(), key=lambda part: str(part[0]))


def _share_of(marks: Iterable[bool | None]) -> Figure | None:
    known = [mark for mark in marks if mark is not None]
    return _share(sum(known), len(known))


def _share(count: int, of: int) -> Figure | None:
    return _figure(wilson(count, of), of) if of else None


def _mean(values: Iterable[float | None]) -> Figure | None:
    known = [value for value in values if value is not None]
    return _figure(bootstrap(known), len(known)) if known else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _figure(interval: Interval, runs: int) -> Figure:
    return Figure(interval.value, interval.low, interval.high, runs)


def _value(figure: Figure | None) -> float | None:
    return figure.value if figure else None
