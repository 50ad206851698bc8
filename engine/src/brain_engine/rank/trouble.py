"""How the trouble of what alerts flows down the dependency graph, and how much of it stays where.

Trouble starts at what alerts. At each entity the part that its dependencies account for flows on to them, in proportion
to how well each accounts for it; the rest is its own and stays. Shares add up to 1, cycles are walked round until
nothing is left to flow. This is an absorbing random walk (Kemeny & Snell, Finite Markov Chains, 1960, chapter 3) with
explaining away as its transition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brain_engine.series import Array

_MOST_EXPLAINED = 0.95  # of an entity's trouble: in a cycle where each explains the other, something has to stay
_ROUNDS = 200  # steps of the walk; what still flows then is below a thousandth in any graph met so far
_LITTLE = 1e-4


@dataclass(frozen=True, slots=True)
class Shares:
    """Where the trouble ends up.

    Attributes:
        own: Entity to the share of all trouble that stays there; of those that deviate.
        inflow: Entity to the share that comes by, its own part included; what goes round a cycle is counted each time.
        blamed: Entity to the dependency that accounts for most of its trouble, and for how much of it.
    """

    own: Mapping[str, float]
    inflow: Mapping[str, float]
    blamed: Mapping[str, tuple[str, float]]


def walk(alarms: Sequence[str], blame: Mapping[str, Mapping[str, float]]) -> Shares:
    """Let the trouble of ``alarms`` flow.

    Args:
        alarms: Where it starts, equally at each; one that is named twice is one.
        blame: Entity to dependency to the part of the entity's trouble that it accounts for, in [0, 1]; parts may
            overlap, as when two callees became slow at the same time.
    """
    names = sorted({*alarms, *blame, *(name for parts in blame.values() for name in parts)})
    index = {name: number for number, name in enumerate(names)}
    rows, columns, parts = _transitions(blame, index)
    explained = np.zeros(len(names))
    np.add.at(explained, rows, parts)
    at = np.zeros(len(names))
    begins = [index[alarm] for alarm in dict.fromkeys(alarms)]
    at[begins] = 1.0 / max(len(begins), 1)
    inflow = _flow(at, rows, columns, parts)
    own = inflow * (1.0 - explained)
    blamed = {name: max(parts.items(), key=lambda item: (item[1], item[0])) for name, parts in blame.items() if parts}
    return Shares(
        own={name: float(own[number]) for name, number in index.items()},
        inflow={name: float(inflow[number]) for name, number in index.items()},
        blamed=blamed,
    )


def _transitions(
    blame: Mapping[str, Mapping[str, float]], index: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, Array]:
    """Edges of the walk: from, to, and the part that flows along; per entity at most ``_MOST_EXPLAINED``."""
    rows, columns, parts = [], [], []
    for name, accounts in blame.items():
        total = sum(accounts.values())
        explained = min(total, _MOST_EXPLAINED)
        for dependency, part in accounts.items():
            if part > 0:
                rows.append(index[name])
                columns.append(index[dependency])
                parts.append(explained * part / total)
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64), np.array(parts, dtype=np.float64)


def _flow(start: Array, rows: np.ndarray, columns: np.ndarray, parts: Array) -> Array:
    """All that ever comes by at each entity; in a cycle the same trouble comes by again, and each time a part stays."""
    total, moving = start.copy(), start
    for _ in range(_ROUNDS):
        arrived = np.bincount(columns, weights=moving[rows] * parts, minlength=len(start))
        moving = np.asarray(arrived, dtype=np.float64)
        total = total + moving
        if moving.sum() < _LITTLE:
            break
    return np.asarray(total, dtype=np.float64)
