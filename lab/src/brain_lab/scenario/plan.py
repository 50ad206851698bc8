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
