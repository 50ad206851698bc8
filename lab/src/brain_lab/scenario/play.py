"""Plays a scenario on the simulator; the only module of the format that knows it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.faults.combined import elsewhere
from brain_lab.faults.protocol import Fault
from brain_lab.platforms import registry as platforms
from brain_lab.platforms.model import Platform
from brain_lab.scenario.model import Scenario
from brain_lab.simulate import Recording, run
from brain_lab.simulate.recording import Truth

MONDAY: Final = 1_789_344_000.0
"""00:00 UTC of a Monday, 14 September 2026: the day on which every scenario is played."""

LEAD_SECONDS: Final = 2700.0
"""Played before the scenario begins: the usual level against which the product sees what changes."""


def begins(scenario: Scenario) -> float:
    """When the scenario begins, seconds since the epoch."""
    return MONDAY + scenario.load.start_hour * 3600.0


def play(scenario: Scenario) -> Recording:
    """The recording, with its truth; the lead is in front.

    Raises:
        ConfigError: There is no such platform, fault or target.
    """
    platform = _busy(platforms.build(scenario.platform, scenario.seed), scenario.load.factor)
    start = begins(scenario) - LEAD_SECONDS
    return run(
        platform,
        _faults(scenario, platform),
        start,
        LEAD_SECONDS + scenario.load.length_seconds,
        scenario.seed,
        decoys=scenario.load.decoys,
    )


def possible(scenario: Scenario) -> bool:
    """Whether the platform has anything that each of the faults could break.

    Raises:
        ConfigError: There is no such platform or fault.
    """
    platform = platforms.build(scenario.platform, scenario.seed)
    for part in scenario.faults:
        if part.fault not in faults.names():
            raise ConfigError(f"fault {part.fault!r}: none of {', '.join(faults.names())}")
    try:
        _faults(scenario, platform)
    except ConfigError:
        return False
    return True


def truths(scenario: Scenario) -> tuple[Truth, ...]:
    """What will be broken, without playing it.

    Raises:
        ConfigError: There is no such platform, fault or target.
    """
    made = _faults(scenario, platforms.build(scenario.platform, scenario.seed))
    return tuple(fault.truth for fault in made if fault.truth is not None)


def _faults(scenario: Scenario, platform: Platform) -> list[Fault]:
    """All of them; one without a target of its own breaks something that none before it has broken."""
    made: list[Fault] = []
    for part in scenario.faults:
        aim = Aim(
            platform,
            begins(scenario) + part.onset_seconds,
            scenario.seed,
            math.inf if part.duration_seconds is None else part.duration_seconds,
            part.target,
        )
        made.append(faults.make(part.fault, aim) if part.target else elsewhere(part.fault, aim, faults.make, made))
    return made


def _busy(platform: Platform, factor: float) -> Platform:
    """The platform with so many times its usual load."""
    if factor == 1.0:
        return platform
    return replace(platform, entries=tuple(replace(entry, rate=entry.rate * factor) for entry in platform.entries))
