"""Runs of every fault, each beside the same run without it; played once for all tests.

Windows are short, and the longer ones, which watch the recovery, are of the smallest platform that fits: the suite
grows with every fault. Nothing else happens in these runs: what differs from the run beside it is the fault's doing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import product
from unittest.mock import patch

import numpy as np

from brain_common.errors import ConfigError
from brain_lab.emit import alerts
from brain_lab.emit.metrics import scrape_times, series
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms import registry as platforms
from brain_lab.platforms.model import Platform
from brain_lab.replay.series import PromSeries
from brain_lab.simulate import Recording, engine, run
from brain_lab.simulate.network import Network, compiled
from brain_lab.simulate.recording import Truth

START = 1_790_000_000.0 // 86400 * 86400 + 9 * 3600.0
"""09:00 UTC of some day."""

ONSET = START + 90.0
LASTS = 330.0
RECOVERS = 330.0
WARM_UP = 60.0
"""Seconds: at this hour nobody scales, so that little has to settle; the usual time would be a third of all ticks."""

SEEDS = (0, 1)
LEAST_GROWTH = 3.0
"""Of a counter while the fault lasts; less than this is chance."""

SMALL_FIRST = ("automotive", "healthcare", "finance")
"""By what a tick of them costs."""


@dataclass(frozen=True)
class Case:
    """A fault on a platform.

    Attributes:
        fault: Its name.
        platform: Name of the platform.
        seed: Of target, strength and run.
    """

    fault: str
    platform: str
    seed: int

    def __str__(self) -> str:
        return f"{self.fault}-{self.platform}-{self.seed}"

    @property
    def made(self) -> Fault:
        """A new one each time.

        Raises:
            ConfigError: The platform has nothing it could break.
        """
        return faults.make(self.fault, Aim(built(self.platform), ONSET, self.seed, LASTS))

    @cached_property
    def first(self) -> Fault:
        """The one that is played."""
        return self.made

    @cached_property
    def truth(self) -> Truth:
        """About it."""
        truth = self.first.truth
        assert truth is not None
        return truth

    @property
    def ends(self) -> bool:
        """Whether the run goes on until everything should be well again."""
        return self.platform == next(one for one in SMALL_FIRST if one in fitting(self.fault))

    @cached_property
    def recording(self) -> Recording:
        """The run with the fault."""
        return _run(self.platform, self.first, self.seconds, self.seed)

    @cached_property
    def episodes(self) -> list[alerts.Episode]:
        """Alerts of that run."""
        return alerts.episodes(self.recording)

    @property
    def sound(self) -> Recording:
        """The run without it, of the same length: draws depend on it."""
        return _sound(self.platform, self.seed, self.seconds)

    @property
    def seconds(self) -> float:
        """Of the run."""
        return ONSET - START + LASTS + (RECOVERS if self.ends else 0.0)


@cache
def built(name: str) -> Platform:
    """The platform."""
    return platforms.build(name, 1)


@cache
def network(name: str) -> Network:
    """The same, compiled."""
    return compiled(built(name))


@cache
def fitting(fault: str) -> tuple[str, ...]:
    """Names of the platforms that have something that the fault could break."""
    return tuple(name for name in platforms.names() if _fits(fault, name))


def _fits(fault: str, platform: str) -> bool:
    try:
        _ = Case(fault, platform, 0).made
    except ConfigError:
        return False
    return True


@cache
def cases() -> tuple[Case, ...]:
    """Every fault with every platform it fits and every seed."""
    return tuple(
        Case(fault, platform, seed) for fault in faults.names() for platform, seed in product(fitting(fault), SEEDS)
    )


def played() -> list[Case]:
    """Those that are simulated: seeds take turns, so that each fault is seen with both of them."""
    order = {platform: number % len(SEEDS) for number, platform in enumerate(platforms.names())}
    return [case for case in cases() if len(fitting(case.fault)) == 1 or case.seed == order[case.platform]]


@cache
def _sound(platform: str, seed: int, seconds: float) -> Recording:
    return _run(platform, None, seconds, seed)


def _run(platform: str, fault: Fault | None, seconds: float, seed: int) -> Recording:
    with patch.object(engine, "WARM_UP", WARM_UP):
        return run(built(platform), fault, START, seconds, seed, decoys=False)


def deviations(case: Case) -> dict[str, float]:
    """Of each metric of the cause, how many times larger or smaller a series became than in the run beside it.

    Series that only one of the runs has are infinitely different.
    """
    mark = re.compile("|".join(_mark(one.name) for one in (case.truth.entity, *case.truth.accepted)))
    return _deviations(case, lambda one: any(mark.search(value) for value in one.labels.values()), LEAST_GROWTH)


def deviation(case: Case, metric: str) -> float:
    """The same of one metric, whatever it is about."""
    return _deviations(case, lambda one: one.metric == metric, 0.0).get(metric, 1.0)


def _mark(name: str) -> str:
    """Finds the name in a label, also of its pods, in an ARN, and in a URL."""
    return rf"(?:^|[/:]){re.escape(name)}(?:$|[-.])"


def _deviations(case: Case, chosen: Callable[[PromSeries], bool], least: float) -> dict[str, float]:
    usual = _sizes(filter(chosen, _emitted_sound(case.platform, case.seed, case.seconds)), least)
    seen = _sizes(filter(chosen, _emitted(case)), least)
    found: dict[str, float] = {}
    for key in seen.keys() | usual.keys():
        ratio = _ratio(seen.get(key, math.nan), usual.get(key, math.nan))
        found[key[0]] = max(found.get(key[0], 1.0), ratio)
    return found


def _ratio(one: float, other: float) -> float:
    if math.isnan(one) or math.isnan(other):
        return 1.0 if math.isnan(one) and math.isnan(other) else math.inf
    return float(max(one, other) / max(min(one, other), 1e-9)) if max(one, other) > 1e-6 else 1.0


@lru_cache(maxsize=2)
def _emitted(case: Case) -> list[PromSeries]:
    return _while_it_lasts(case.recording)


@cache
def _emitted_sound(platform: str, seed: int, seconds: float) -> list[PromSeries]:
    return _while_it_lasts(_sound(platform, seed, seconds))


def _while_it_lasts(recording: Recording) -> list[PromSeries]:
    times = scrape_times(recording)
    during = np.flatnonzero((times > ONSET + 15.0) & (times <= ONSET + LASTS))
    return [replace(one, values=one.values[during]) for one in series(recording, missing=False)]


def _sizes(emitted: Iterable[PromSeries], least: float) -> dict[tuple[str, ...], float]:
    """Metric and labels of series → mean, of a counter by how much it grew."""
    found = {}
    for one in emitted:
        values = one.values[~np.isnan(one.values)]
        if len(values):
            grown = float(np.maximum(np.diff(values), 0.0).sum())
            size = (grown if grown >= least else 0.0) if one.counter else float(np.abs(values).mean())
            found[(one.metric, *(f"{name}={value}" for name, value in one.labels.items()))] = size
    return found
