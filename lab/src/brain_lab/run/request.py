"""What is to be played, and playing it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.simulate import TICK, Recording, run

NO_FAULT: Final = "none"
SHORTEST: Final = 300.0
"""Seconds; the rules look back over two minutes and hold for one."""
LONGEST: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Request:
    """A run.

    Attributes:
        platform: Its name.
        fault: Its name, several joined by `+`, or `none`.
        seed: Of everything that is drawn.
        start: Seconds since the epoch of its beginning; the time of day decides the load.
        seconds: How long it is.
        onset: Seconds after the start at which the fault begins.
        target: Name of what the fault hits; empty: drawn.
    """

    platform: str
    fault: str
    seed: int
    start: float
    seconds: float
    onset: float
    target: str = ""


def played(request: Request) -> Recording:
    """The run; the same for the same request.

    Raises:
        ConfigError: No such platform, fault or target, or the times make no sense.
    """
    check(request)
    platform = platforms.build(request.platform, request.seed)
    aim = Aim(platform, request.start + request.onset, request.seed, target=request.target)
    broken = [faults.make(name, aim) for name in names_of(request.fault)]
    return run(platform, broken, request.start, request.seconds, request.seed)


def names_of(fault: str) -> list[str]:
    """The faults that are joined in a name; none for `none`."""
    return [] if fault == NO_FAULT else fault.split("+")


def whole(seconds: float) -> float:
    """Cut to a tick of the simulation, so that what ends then has its last row then."""
    return math.floor(seconds / TICK) * TICK


def check(request: Request) -> None:
    """Refuse what can be refused before anything is made; whether the target is there is known only of a platform.

    Raises:
        ConfigError: No such platform or fault, or the times make no sense.
    """
    platforms.check(request.platform)
    for name in names_of(request.fault):
        if name not in faults.names():
            raise ConfigError(f"fault {name!r}: none of {', '.join((NO_FAULT, *faults.names()))}")
    if not SHORTEST <= request.seconds <= LONGEST:
        raise ConfigError(
            f"a run lasts from {SHORTEST / 60:g} to {LONGEST / 60:g} minutes, not {request.seconds / 60:g}"
        )
    if not 0.0 <= request.onset < request.seconds:
        raise ConfigError(
            f"onset at minute {request.onset / 60:g}: not within the run, which lasts {request.seconds / 60:g} minutes"
        )
