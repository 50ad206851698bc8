"""A session holds a lock in a database and does not let go: queries wait, CPU falls, sessions pile up.

The callers' pools run dry; whoever shares the database suffers, and its own resource metrics look better than before.
"""

from __future__ import annotations

from brain_lab.faults.aim import LEAST_REACH, Aim
from brain_lab.faults.protocol import Fault
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """Every query waits for as long as would break a promise."""
    used = [one.name for one in aim.platform.databases if aim.reach(one.name) >= LEAST_REACH]
    name = aim.choose(used, "no busy database")
    wait = aim.breaking(name) * aim.rng.uniform(0.8, 1.4)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.lock_wait[knobs.station(name)] += wait * aim.strength(at)

    fix = f"end the session that holds the lock in {name}"
    return Effect(turn, aim.truth("database-lock", name, ("latency", "saturation"), "config", fix))
