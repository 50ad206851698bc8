"""What the processor sustains, what it costs beside a Collector that does the same by itself, and what it loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

import msgspec

from brain_lab.bench.figures import Bar, Progress, at_least, at_most, exactly
from brain_lab.bench.otel.chains import Shape, chain
from brain_lab.bench.otel.cluster import cluster
from brain_lab.bench.otel.course import WARM_UP, Balance, Course, run_course, total
from brain_lab.bench.otel.losses import MEMORY_LIMIT, Overload, killed, next_hop_away, overload
from brain_lab.bench.otel.processor_config import processor_config
from brain_lab.bench.otel.requests import PER_REQUEST, Kind

RATE_BARS: Final[Mapping[Kind, float]] = {"logs": 50_000.0, "spans": 30_000.0}
CPU_BAR: Final = 3.0
ADDED_BAR: Final = 0.050
RSS_BAR: Final = 150.0 * 2**20
SCALING_BAR: Final = 1.1
SHARE_BAR: Final = 0.4
_FULL_REQUESTS: Final = 600  # of each load without a rate
_OVERLOAD_REQUESTS: Final = 300
_OVERLOAD_IN_FLIGHT: Final = 200


class ForKind(msgspec.Struct, frozen=True):
    """A figure of logs and of spans."""

    logs: float
    spans: float


class OtelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        rate: Records a second through Collector, processor, Collector and sink, accepted and arrived.
        cpu_ratio: CPU seconds of Collector and processor over those of a Collector that does the same with
            k8sattributes and servicegraph, at half the rate that is asked for.
        collector_cpu_seconds: Of the latter, for a million records.
        processor_cpu_seconds: Of the processor alone, for a million records.
        added_p99_seconds: From due at the sender to arrived at the sink, 99th percentile, beyond what it is without
            the processor, at half the rate that is asked for.
        rss_bytes: Of the processor at the rate that is asked for, through both Collectors; the greater of both kinds.
        peak_rss_bytes: The most it had then.
        scaling: CPU for a span of two processors behind one exporter, over that of one, at the rate that is asked for.
        least_share: Of that CPU, the share of the one that did less.
        accepted: Records of all loads that the sender was told are accepted.
        lost: Of these, how many did not arrive: of undisturbed loads, while the next hop was away, while the processor
            was killed, and when it was overloaded.
        repeated: How many arrived more than once, the same.
        overload_refused: Answers of an overloaded processor other than acceptance.
        overload_dropped: Of these, after how many a Collector would give up the data.
        overload_peak_rss_bytes: The most memory it had.
        bars: What is good enough.
    """

    bench: str = "otel"
    rate: ForKind
    cpu_ratio: ForKind
    collector_cpu_seconds: ForKind
    processor_cpu_seconds: ForKind
    added_p99_seconds: ForKind
    rss_bytes: int
    peak_rss_bytes: int
    scaling: float
    least_share: float
    accepted: int
    lost: dict[str, int]
    repeated: dict[str, int]
    overload_refused: int
    overload_dropped: int
    overload_peak_rss_bytes: int
    bars: list[Bar]


@dataclass(frozen=True, kw_only=True)
class _ByKind:
    """The loads of one kind of record: at half the rate through three chains, at the rate, and without one."""

    direct: Course
    inside: Course
    ours: Course
    paced: Course
    full: Course

    def cpu_ratio(self) -> float:
        return (self.ours.collector_cpu + sum(self.ours.processor_cpu)) / self.inside.collector_cpu

    def added_p99(self) -> float:
        return self.ours.p99_seconds - self.direct.p99_seconds

    def courses(self) -> list[Course]:
        return [self.direct, self.inside, self.ours, self.paced, self.full]


class _Bench:
    """Runs loads, each in a folder of its own."""

    def __init__(self, folder: Path, kubeconfig: Path, seconds: float, progress: Progress) -> None:
        self._folder = folder
        self._kubeconfig = kubeconfig
        self._seconds = seconds
        self._progress = progress
        self._number = 0
        self.config: Mapping[str, Any] = processor_config(kubeconfig)

    def folder(self) -> Path:
        """A new one."""
        self._number += 1
        return self._folder / f"{self._number}"

    def course(self, kind: Kind, shape: Shape, rate: float | None, processors: int = 1) -> Course:
        """A load through a chain."""
        requests = round(rate * self._seconds / PER_REQUEST) if rate else _FULL_REQUESTS
        self._progress(f"{kind}, {shape}: {f'{rate:,.0f}/s' if rate else 'as fast as they are taken'}")
        folder, capacity = self.folder(), (requests + WARM_UP) * PER_REQUEST
        with chain(shape, folder, capacity, self._kubeconfig, self.config, processors) as running:
            return run_course(running, kind, requests, rate, folder)

    def by_kind(self, kind: Kind) -> _ByKind:
        """All loads of a kind."""
        rate = RATE_BARS[kind]
        return _ByKind(
            direct=self.course(kind, "direct", rate / 2),
            inside=self.course(kind, "inside", rate / 2),
            ours=self.course(kind, "ours", rate / 2),
            paced=self.course(kind, "through", rate),
            full=self.course(kind, "through", None),
        )


def run(seconds: float, away_seconds: float, kills: int, progress: Progress) -> OtelFigures:
    """Measure everything, one after another.

    Args:
        seconds: Of each load with a rate.
        away_seconds: How long the next hop is away.
        kills: Times that the processor is killed.
        progress: Told what goes on.

    Raises:
        PermanentError: A server is missing on this machine, or failed.
        TemporaryError: The cluster did not come up.
    """
    with TemporaryDirectory(prefix="brain-bench-") as name, cluster(Path(name) / "cluster") as kubeconfig:
        bench = _Bench(Path(name), kubeconfig, seconds, progress)
        kinds = {kind: bench.by_kind(kind) for kind in get_args(Kind)}
        balanced = [bench.course("spans", "balanced", RATE_BARS["spans"], count) for count in (1, 2)]
        progress(f"the next hop away for {away_seconds:g} s")
        broken = {"next_hop_away": next_hop_away(bench.folder(), "logs", away_seconds, bench.config)}
        progress(f"the processor killed {kills} times")
        broken["killed"] = killed(bench.folder(), "spans", kills, bench.config)
        progress("more than it has room for")
        over = overload(bench.folder(), "logs", _OVERLOAD_REQUESTS, _OVERLOAD_IN_FLIGHT, bench.config)
    return _figures(kinds, balanced, broken, over)


def _figures(
    kinds: Mapping[Kind, _ByKind], balanced: Sequence[Course], broken: Mapping[str, Balance], over: Overload
) -> OtelFigures:
    courses = [course for each in kinds.values() for course in each.courses()] + list(balanced)
    balances = {"load": total(course.balance for course in courses), **broken, "overload": over.balance}
    one, two = (course.processor_cpu for course in balanced)
    logs, spans = kinds["logs"], kinds["spans"]
    figures = OtelFigures(
        rate=ForKind(logs.full.rate, spans.full.rate),
        cpu_ratio=ForKind(logs.cpu_ratio(), spans.cpu_ratio()),
        collector_cpu_seconds=ForKind(logs.inside.collector_cpu, spans.inside.collector_cpu),
        processor_cpu_seconds=ForKind(sum(logs.ours.processor_cpu), sum(spans.ours.processor_cpu)),
        added_p99_seconds=ForKind(logs.added_p99(), spans.added_p99()),
        rss_bytes=max(logs.paced.rss_bytes, spans.paced.rss_bytes),
        peak_rss_bytes=max(logs.paced.peak_rss_bytes, spans.paced.peak_rss_bytes),
        scaling=sum(two) / sum(one),
        least_share=min(two) / sum(two),
        accepted=total(balances.values()).accepted,
        lost={case: each.lost for case, each in balances.items()},
        repeated={case: each.repeated for case, each in balances.items()},
        overload_refused=over.refused,
        overload_dropped=over.dropped,
        overload_peak_rss_bytes=over.peak_rss_bytes,
        bars=[],
    )
    return msgspec.structs.replace(figures, bars=_bars(figures))


def _bars(figures: OtelFigures) -> list[Bar]:
    by_kind = [
        bar
        for kind in get_args(Kind)
        for bar in (
            at_least(f"rate.{kind}", getattr(figures.rate, kind), RATE_BARS[kind]),
            at_most(f"cpu_ratio.{kind}", getattr(figures.cpu_ratio, kind), CPU_BAR),
            at_most(f"added_p99_seconds.{kind}", getattr(figures.added_p99_seconds, kind), ADDED_BAR),
        )
    ]
    return [
        *(exactly(f"lost.{case}", count, 0) for case, count in figures.lost.items()),
        *by_kind,
        at_most("rss_bytes", figures.rss_bytes, RSS_BAR),
        at_most("scaling", figures.scaling, SCALING_BAR),
        at_least("least_share", figures.least_share, SHARE_BAR),
        exactly("overload_dropped", figures.overload_dropped, 0),
        at_least("overload_refused", figures.overload_refused, 1),
        at_most("overload_peak_rss_bytes", figures.overload_peak_rss_bytes, MEMORY_LIMIT),
    ]
