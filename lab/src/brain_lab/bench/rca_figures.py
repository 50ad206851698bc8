"""The figures of the bench on recorded incidents: from ranks and answers to what is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from brain_lab.bench.figures import Bar
from brain_lab.bench.peers import Peer
from brain_lab.evaluate.intervals import Interval, bootstrap, wilson
from brain_lab.evaluate.ranks import Ranks, accuracy, average_of_five, hits, reciprocal, share_of_five


class Scores(msgspec.Struct, frozen=True):
    """Of some of the cases.

    Attributes:
        cases: How many.
        top1: AC@1: share of cases with the truth at the first place.
        top3: AC@3.
        avg5: Avg@5: mean of AC@1 … AC@5.
        mrr: Mean reciprocal rank.
    """

    cases: int
    top1: float
    top3: float
    avg5: float
    mrr: float


class RcaFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; intervals are of 95 %.

    Attributes:
        dataset: Which.
        ranker: Which.
        injection_time: What the judge was told about when the fault began.
        ablated: What was taken away; empty for nothing.
        cases, top1, top3, avg5, mrr: See ``Scores``; of the ranking, whether or not its first was named as the cause,
            since rankers that it is compared with always name somebody.
        named1: Share of cases whose truth was named as the likeliest cause, rather than only coming nearest to one.
        seconds_per_case: The mean; of the judgement, reading its evidence included.
        specificity: Share of quiet windows for which no cause was found; None where the data have none.
        specificity_by_alarm: The same for windows with an alarm on latency, on availability …; ``either``: no alarm
            about the moment found a cause. Only where the data set says on which measure its alerts fired.
        windows: Quiet windows.
        window_length: Of a quiet window, in incidents, the mean; below 1 where normal periods are short, which makes a
            false alarm less likely.
        unanswered: Cases with a fault for which no cause was found.
        unasked: Cases of which nothing could be watched by an alert rule; likewise.
        by_fault: By the data set's own word for the fault; nothing where it does not name them.
        by_system: By system, where the data set has several.
        peers: The ranker and published methods on the same cases, where those were asked.
        leaks: Rankings that changed when services were renamed and columns shuffled; None where that was not tried.
    """

    bench: str = "rca"
    dataset: str
    ranker: str
    injection_time: str
    ablated: str
    cases: int
    top1: float
    named1: float
    top3: float
    avg5: float
    mrr: float
    seconds_per_case: float
    specificity: float | None
    specificity_by_alarm: Mapping[str, float]
    windows: int
    window_length: float | None
    unanswered: int
    unasked: int
    top1_interval: tuple[float, float] = msgspec.field(name="top1_95ci")
    top3_interval: tuple[float, float] = msgspec.field(name="top3_95ci")
    avg5_interval: tuple[float, float] = msgspec.field(name="avg5_95ci")
    mrr_interval: tuple[float, float] = msgspec.field(name="mrr_95ci")
    specificity_interval: tuple[float, float] | None = msgspec.field(name="specificity_95ci")
    by_fault: Mapping[str, Scores]
    by_system: Mapping[str, Scores]
    leaks: int | None
    peers: Mapping[str, Peer] = {}
    bars: list[Bar]


class Intervals(msgspec.Struct, frozen=True):
    """Of ``Scores``."""

    top1: tuple[float, float]
    top3: tuple[float, float]
    avg5: tuple[float, float]
    mrr: tuple[float, float]


def scores_of(ranks: Ranks) -> Scores:
    """The scores; at least one case."""
    return Scores(
        cases=len(ranks),
        top1=accuracy(ranks, 1),
        top3=accuracy(ranks, 3),
        avg5=average_of_five(ranks),
        mrr=sum(map(reciprocal, ranks)) / len(ranks),
    )


def intervals_of(ranks: Ranks) -> Intervals:
    """Their intervals."""
    return Intervals(
        top1=ends(wilson(hits(ranks, 1), len(ranks))),
        top3=ends(wilson(hits(ranks, 3), len(ranks))),
        avg5=ends(bootstrap([share_of_five(rank) for rank in ranks])),
        mrr=ends(bootstrap([reciprocal(rank) for rank in ranks])),
    )


def grouped(names: Iterable[str], ranks: Ranks) -> dict[str, Scores]:
    """Scores by name, sorted; cases without a name are left out."""
    groups: dict[str, list[int | None]] = {}
    for name, rank in zip(names, ranks, strict=True):
        if name:
            groups.setdefault(name, []).append(rank)
    return {name: scores_of(groups[name]) for name in sorted(groups)}


def by_alarm(alarms: Sequence[str], moments: Sequence[object], quiet: Sequence[bool]) -> dict[str, float]:
    """Specificity by what the alarm was about, and of both together; nothing where that is not known of any.

    Args:
        alarms: Per window the family of what alerted; empty where the data set does not say.
        moments: Per window what it has in common with other windows of the same moment.
        quiet: Per window, whether no cause was found.
    """
    kinds: dict[str, list[bool]] = {}
    together: dict[object, bool] = {}
    for kind, moment, right in zip(alarms, moments, quiet, strict=True):
        if kind:
            kinds.setdefault(kind, []).append(right)
            together[moment] = together.get(moment, True) and right
    shares = {kind: sum(kinds[kind]) / len(kinds[kind]) for kind in sorted(kinds)}
    return shares | ({"either": sum(together.values()) / len(together)} if len(kinds) > 1 else {})


def ends(interval: Interval) -> tuple[float, float]:
    """As JSON has it."""
    return interval.low, interval.high
