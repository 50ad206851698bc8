"""What a judgement costs by the size of the system: the engine alone, on made-up systems of any size.

Each service has the same signals of an hour, calls a few others (some in circles) and one is slow, with everybody above
it. Processor time, best of a few: what a busy machine does not falsify.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import judge
from brain_engine.plugins import load_ranker
from brain_engine.series import Array, Direction, Edge, EdgeKind, Evidence, Family, Panel, Signal
from brain_lab.bench.figures import Bar, Progress, at_most
from brain_lab.bench.peers import ask, check, table_of_evidence
from brain_lab.bench.peers_worker import METHODS

SAMPLES: Final = 240
SIGNALS: Final = 30
CALLS: Final = 3  # callees of a service
SIZES: Final = (200, 1000, 5000)

SMALL_BAR: Final = 0.020
HOUR_BAR: Final = 0.300
GROWTH_BAR: Final = 1.2

_SMALL = (10, 5)  # services, signals
_STEP = 15.0
_BASELINE = 160  # samples
_ONSET = 200
_MEASURED = ("service_latency_mean", "service_request_rate", "service_error_ratio")


class Cost(msgspec.Struct, frozen=True):
    """Of one system.

    Attributes:
        services: How many.
        series: Of all signals together.
        find_seconds: Looking for deviations.
        judge_seconds: Building the graph and ranking.
        seconds: Both.
        right: The slow service came first.
    """

    services: int
    series: int
    find_seconds: float
    judge_seconds: float
    seconds: float
    right: bool


class ScaleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        small: Ten services with five signals.
        by_services: With thirty signals, by number of services.
        peers: Published methods on the same series, where they were asked: seconds of processor time by number of
            services; what is missing took more than ``peers.LIMIT_SECONDS`` or failed, or a smaller system did.
        growth: Power of the number of services with which the time grows, from smallest to largest; 1 is linear.
    """

    bench: str = "rca-scale"
    ranker: str
    small: Cost
    by_services: dict[str, Cost]
    growth: float
    peers: Mapping[str, Mapping[str, float | None]] = {}
    bars: list[Bar]


def run(
    ranker: str, rounds: int, progress: Progress, sizes: Sequence[int] = SIZES, peers: Path | None = None
) -> ScaleFigures:
    """Measure the sizes, which ascend.

    Args:
        ranker: Entry point.
        rounds: Times that each size is judged; the best counts. Peers are asked once.
        progress: Told from time to time.
        sizes: Numbers of services.
        peers: Interpreter of an environment with published methods; None for none.

    Raises:
        UnknownPluginError: There is no such ranker.
        InputError: The peers are no Python with their packages.
    """
    if peers is not None:
        check(peers)
    _cost(*_SMALL, ranker, 1)  # what only the first judgement of a process costs is no figure
    small = _cost(*_SMALL, ranker, rounds)
    costs = {}
    for services in sizes:
        costs[f"{services}"] = _cost(services, SIGNALS, ranker, rounds)
        progress(f"{services} services: {costs[f'{services}'].seconds:.3f} s")
    first, last = costs[f"{sizes[0]}"], costs[f"{sizes[-1]}"]
    growth = math.log(last.seconds / first.seconds) / math.log(last.services / first.services)
    return ScaleFigures(
        ranker=ranker,
        small=small,
        by_services=costs,
        growth=growth,
        peers=_peers(peers, small, costs, ranker, progress) if peers is not None else {},
        bars=[
            at_most("small.seconds", small.seconds, SMALL_BAR),
            at_most(f"by_services.{sizes[0]}.seconds", first.seconds, HOUR_BAR),
            at_most("growth", growth, GROWTH_BAR),
        ],
    )


def _peers(
    python: Path, small: Cost, costs: Mapping[str, Cost], ranker: str, progress: Progress
) -> dict[str, dict[str, float | None]]:
    """Seconds by method and number of services, ours first; who fails at a size is not asked about larger ones."""
    sizes = {f"{small.series} series": small, **costs}
    found: dict[str, dict[str, float | None]] = {ranker: {name: cost.seconds for name, cost in sizes.items()}}
    found |= {name: dict.fromkeys(sizes) for name in METHODS}
    still = list(METHODS)
    for name, cost in sizes.items():
        evidence, _ = system(cost.services, cost.series // cost.services)
        progress(f"{name}: {', '.join(still) or 'no peer'}")
        for peer, (answer,) in ask(python, [table_of_evidence(evidence)], progress, still).items():
            if not answer.error:
                found[peer][name] = answer.cpu_seconds
        still = [peer for peer in still if found[peer][name] is not None]
    return found


def system(services: int, signals: int, seed: int = 0) -> tuple[Evidence, str]:
    """The evidence about a system, and its slow service, which the first one depends on."""
    drawn = np.random.default_rng(seed)
    names = tuple(f"lab/shop/service/s{number:05d}" for number in drawn.permutation(services))
    calls = _calls(services, drawn)
    culprit = services - 1
    slow = _above(culprit, calls)
    panels = tuple(_panel(number, names, slow, drawn) for number in range(signals))
    edges = tuple(Edge(names[caller], names[callee], EdgeKind.CALLS) for caller, callee in sorted(calls))
    times = 1_700_000_000.0 + _STEP * np.arange(SAMPLES, dtype=np.float64)
    return Evidence(times, float(times[_BASELINE]), panels, edges), names[culprit]


def _cost(services: int, signals: int, ranker: str, rounds: int) -> Cost:
    evidence, culprit = system(services, signals)
    entry = evidence.panels[0].entities[0]
    detector, ranking = RobustShift(), load_ranker(ranker)
    times = []
    for _ in range(rounds):
        start = time.process_time()
        findings = find(evidence, detector)
        found = time.process_time()
        said = judge(evidence, findings, DependencyGraph(evidence.edges), (entry,), ranking)
        times.append((found - start, time.process_time() - found))
    finding, judging = min(times, key=sum)
    right = bool(said.causes) and said.causes[0].entity == culprit
    series = sum(len(panel.entities) for panel in evidence.panels)
    return Cost(services, series, finding, judging, finding + judging, right)


def _calls(services: int, drawn: np.random.Generator) -> set[tuple[int, int]]:
    """Each calls some that come after it, by number; one in twenty calls one before it, which makes circles."""
    calls = {(number, number + 1) for number in range(services - 1) if number % 10 == 0 or number > services - 5}
    for caller in range(services - 1):
        calls |= {(caller, int(callee)) for callee in drawn.integers(caller + 1, services, CALLS)}
        if caller and drawn.random() < 0.05:
            calls.add((caller, int(drawn.integers(0, caller))))
    return {(0, services - 1)} | {call for call in calls if call[0] != call[1]}


def _above(culprit: int, calls: set[tuple[int, int]]) -> Array:
    """How many steps each is above the culprit, at most three; infinity for others."""
    steps: dict[int, int] = {culprit: 0}
    for step in range(1, 4):
        steps |= {caller: step for caller, callee in calls if callee in steps and caller not in steps}
    above = np.full(culprit + 1, np.inf)
    above[list(steps)] = list(steps.values())
    return above


def _panel(number: int, names: tuple[str, ...], above: Array, drawn: np.random.Generator) -> Panel:
    """One signal: the first is latency, the second traffic; of the others only CPU tells of the culprit."""
    values = 1.0 + 0.05 * drawn.standard_normal((len(names), SAMPLES))
    if number == 0:
        values[:, _ONSET:] += np.where(np.isfinite(above), 5.0 * 0.7 ** np.minimum(above, 10.0), 0.0)[:, None]
        return Panel(Signal(_MEASURED[0], Family.LATENCY, "seconds", Direction.UP), names, values)
    if number == 1:
        return Panel(Signal(_MEASURED[1], Family.LOAD, "requests/s", Direction.BOTH), names, 10.0 * values)
    if number == 2:
        return Panel(Signal(_MEASURED[2], Family.ERRORS, "ratio", Direction.UP), names, 0.0 * values)
    if number == 3:
        values[above == 0, _ONSET:] += 2.0
        return Panel(Signal("container_cpu", Family.CPU, "cores", Direction.UP), names, values)
    return Panel(Signal(f"resource_{number:02d}", Family.SATURATION, "ratio", Direction.UP), names, values)
