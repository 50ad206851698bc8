"""How much of an entity's trouble each of its dependencies accounts for.

A callee accounts for the part of its caller's excess that its own excess is. What all callees together leave open may
still be theirs, where the caller has run out of workers and the sums no longer add up: they account for it as far as
they became slower by as large a factor as the caller, and beyond doubt. Of failing requests, time-outs behind a slow
callee are accounted for as well. A machine accounts for what runs on it when its own resources deviate and nothing that
runs there was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain_engine.findings import Finding
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.rank.excess import SIGNIFICANT, Excess
from brain_engine.rank.timing import Timing
from brain_engine.series import Array, Edge

Blame = dict[str, dict[str, float]]

_DOUBT = 4.0  # nats: a dependency that deviates by n is believed to 1 - exp(-n / _DOUBT)
# Of a part, where others who together call the callee at least half as often as this one feel less than a tenth of
# what they would have to: then it is the way this one calls, such as a time-out that is too short.
_ALONE, _BUSY, _FELT = 0.4, 0.5, 0.1
_LATE = 0.3  # of a part, where the dependency deviates later than who depends on it
_SELDOM = 0.1  # calls a request: who is called more seldom holds up fewer workers, down to none
# Errors of who waits for a slow callee are mostly its time-outs and exhausted pools.
_TIMEOUTS = 0.9
_MACHINE = 0.8  # of the trouble of what runs on it, where its own resources deviate beyond doubt


def blame_of_calls(
    excess: Excess, profile: Array, graph: DependencyGraph, timing: Timing, alarms: Iterable[str]
) -> Blame:
    """Who calls whom, among those whose excess is real; ``alarms`` are believed to be in trouble, however little."""
    masses, factors = excess.masses(profile), excess.factors(profile)
    real = {name for name, row in excess.row.items() if excess.nats[row] >= SIGNIFICANT and masses[row] > 0}
    callers = {name: _callers(name, graph, excess) for name in real}
    blame: Blame = {}
    for name in sorted(real.union(alarm for alarm in alarms if masses[excess.row[alarm]] > 0)):
        row = excess.row[name]
        callees = [callee for callee in graph.dependencies(name) if callee in real]
        rows = _rows(callees, excess)
        if not callees:
            continue
        doubt = np.where(excess.onset[rows] > excess.onset[row] + timing.tolerance, _LATE, 1.0)
        alone = [_is_alone(row, excess.row[callee], callers[callee], masses) for callee in callees]
        doubt *= np.where(alone, _ALONE, 1.0)
        by_mass = doubt * np.minimum(masses[rows] / masses[row], 1.0)
        by_factor = doubt * np.minimum(factors[rows] / max(factors[row], 1e-9), 1.0) * _belief(excess.nats[rows])
        by_factor *= np.minimum(excess.rate[rows] / max(excess.rate[row] * _SELDOM, 1e-9), 1.0)
        blame[name] = dict(zip(callees, _accounts(by_mass, by_factor).tolist(), strict=True))
    return blame


class _Callers(NamedTuple):
    """Who calls a callee.

    Attributes:
        rows: Of the excess.
        calls: Calls a second of each to the callee; where they are not counted for all, the requests that each is asked
            itself.
    """

    rows: NDArray[np.int64]
    calls: Array


def _callers(callee: str, graph: DependencyGraph, excess: Excess) -> _Callers:
    names = [name for name in graph.dependents(callee) if name in excess.row]
    rows = _rows(names, excess)
    counted = [rate for name in names if (rate := graph.rate(name, callee)) is not None]
    return _Callers(rows, np.array(counted) if len(counted) == len(names) else excess.rate[rows])


def _is_alone(caller: int, callee: int, callers: _Callers, masses: Array) -> bool:
    """Whether the others who call a callee feel next to nothing of what fails, or takes long, there.

    They would feel it in proportion to their calls, if it were the callee's way to everybody.
    """
    others = callers.rows != caller
    own, busy = callers.calls[~others].sum(), callers.calls[others].sum()
    if not others.any() or busy < _BUSY * own:
        return False
    due = masses[callee] * busy / max(busy + own, 1e-9)
    return bool(np.maximum(masses[callers.rows[others]], 0.0).sum() <= _FELT * due)


def _rows(names: Iterable[str], excess: Excess) -> NDArray[np.int64]:
    """Of those that are measured."""
    return np.array([excess.row[name] for name in names if name in excess.row], dtype=np.int64)


def _accounts(by_mass: Array, by_factor: Array) -> Array:
    """Parts by mass, and of what they leave open, parts by factor; they sum up to no more than 1."""
    summed = by_mass.sum()
    if summed >= 1.0:
        return np.asarray(by_mass / summed, dtype=np.float64)
    open_part = (1.0 - summed) * by_factor.max() / max(by_factor.sum(), 1e-9)
    return np.asarray(by_mass + open_part * by_factor, dtype=np.float64)


def with_timeouts(errors: Blame, latency: Blame) -> Blame:
    """Blame for errors where slow callees are to blame for time-outs as well."""
    joined: Blame = {}
    for name in {*errors, *latency}:
        slow = {callee: _TIMEOUTS * part for callee, part in latency.get(name, {}).items()}
        failing = errors.get(name, {})
        joined[name] = {callee: max(failing.get(callee, 0.0), slow.get(callee, 0.0)) for callee in {*failing, *slow}}
    return joined


def blame_of_machines(resources: Mapping[str, tuple[Finding, ...]], tenancies: Iterable[Edge], timing: Timing) -> Blame:
    """What machines account for.

    Args:
        resources: Findings about resources, by entity.
        tenancies: What runs where.
        timing: For how well onsets are told apart.
    """
    blame: Blame = {}
    for edge in tenancies:
        own = resources.get(edge.dependency, ())
        if own and _first(resources.get(edge.dependent, ())) >= _first(own) - timing.tolerance:
            believed = _MACHINE * float(_belief(np.array([max(one.nats for one in own)]))[0])
            blame.setdefault(edge.dependent, {})[edge.dependency] = edge.weight * believed
    return blame


def together(*parts: Blame) -> Blame:
    """The parts as one; where two of them blame the same dependency, the larger."""
    joined: Blame = {}
    for part in parts:
        for name, accounts in part.items():
            mine = joined.setdefault(name, {})
            for dependency, share in accounts.items():
                mine[dependency] = max(mine.get(dependency, 0.0), share)
    return joined


def _belief(nats: Array) -> Array:
    return np.asarray(-np.expm1(-nats / _DOUBT), dtype=np.float64)


def _first(findings: tuple[Finding, ...]) -> float:
    return min((one.onset for one in findings if one.onset is not None), default=np.inf)
