"""Plans of an evaluation: every platform with every fault and seed, and runs without a fault beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.scenario.model import FaultPart, Load, Scenario

MOST_SEEDS: Final = 1000

QUIET_PER_SEED: Final = 3
"""Runs without a fault for each platform and seed: enough for a specificity with an interval."""

_RANGE: Final = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?")


def plan(
    platforms: Sequence[str], faults: Sequence[str], seeds: Sequence[int], load: Load | None = None
) -> list[Scenario]:
    """Scenarios in a fixed order: by platform, fault and seed, then those without a fault.

    A fault name may join two by ``+``: both then begin at the same moment.
    """
    load = load or Load()
    onset = load.length_seconds / 2.0
    broken = [
        Scenario(
            platform=platform,
            seed=seed,
            load=load,
            faults=tuple(FaultPart(fault=name, onset_seconds=onset) for name in fault.split("+")),
        )
        for platform in platforms
        for fault in faults
        for seed in seeds
    ]
    quiet = [
        Scenario(platform=platform, seed=seed * QUIET_PER_SEED + number, load=load)
        for platform in platforms
        for seed in seeds
        for number in range(QUIET_PER_SEED)
    ]
    return broken + quiet


def spread(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Of each fault and seed one platform, in turn: over the seeds, every fault is played on every platform it fits.

    All runs without a fault are kept.
    """
    fitting: dict[tuple[str, int], list[Scenario]] = {}
    for scenario in scenarios:
        name = "+".join(part.fault for part in scenario.faults)
        fitting.setdefault((name, scenario.seed), []).append(scenario)
    return [
        scenario
        for (name, seed), same in fitting.items()
        for place, scenario in enumerate(same)
        if not name or place == seed % len(same)
    ]


def seeds_of(text: str) -> range:
    """Of ``7`` or ``1..3``, both ends included.

    Raises:
        ConfigError: It is neither, runs backwards, or is longer than ``MOST_SEEDS``.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"seeds {text!r}: expected a number or a range such as 1..3")
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < first + MOST_SEEDS:
        raise ConfigError(f"seeds {text!r}: expected a range forwards, of at most {MOST_SEEDS} seeds")
    return range(first, last + 1)
