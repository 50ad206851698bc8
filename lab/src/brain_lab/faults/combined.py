"""Two things that break at once, each with a truth of its own: `a+b` is what both are called together.

Either is a right first answer, and a good one has both near the top. The second is aimed elsewhere when both would
have hit the same thing: one thing that is broken in two ways has only one right answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault

JOINT: Final = "+"

COMBINATIONS: Final = (
    "database-read-spike+bad-rollout",
    "mesh-certificate-expired+oom-kill",
    "retry-storm+database-lock",
    "iam-access-denied+node-pressure",
    "terraform-failed-apply+logging-storm",
)
"""Those that are tried by default: of each layer some, with signals that differ."""

_TRIES: Final = 20

Make = Callable[[str, Aim], Fault]


def parts(name: str) -> tuple[str, ...]:
    """Names of the faults that a name joins; one without a joint stands for itself.

    Raises:
        ConfigError: A fault is joined with itself.
    """
    names = tuple(name.split(JOINT))
    if len(set(names)) < len(names):
        raise ConfigError(f"fault {name!r}: joins a fault with itself")
    return names


def together(name: str, aim: Aim, make: Make) -> tuple[Fault, ...]:
    """All faults that a name joins, beginning at the same moment.

    Args:
        name: Such as ``oom-kill+database-lock``.
        aim: Where and when; a target is that of the first.
        make: Makes one fault by its name.

    Raises:
        ConfigError: One of them is not there, the platform has nothing it could break, or nothing else than the first.
    """
    first, *others = parts(name)
    made = [make(first, aim)]
    for other in others:
        made.append(elsewhere(other, replace(aim, target=""), make, made))
    return tuple(made)


def elsewhere(name: str, aim: Aim, make: Make, made: Sequence[Fault]) -> Fault:
    """A fault of that name that breaks something else than those there are, as near to the aim's seed as there is.

    Raises:
        ConfigError: There is nothing else that it could break.
    """
    taken = {fault.truth.entity for fault in made if fault.truth is not None}
    for seed in range(aim.seed, aim.seed + _TRIES):
        fault = make(name, replace(aim, seed=seed))
        if fault.truth is None or fault.truth.entity not in taken:
            return fault
    raise ConfigError(f"fault {name!r}: {aim.platform.name} has nothing for it but what is broken already")
