"""Somebody exports tables from a database: the scan empties its buffer cache and takes its disk's operations.

Queries that used to be answered from memory read from disk, all of them queue there, and whoever shares the database
becomes slow. The export itself is in no trace.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.faults.aim import LEAST_REACH, Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Database
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

EXPORT_QUERIES: Final = 3.0
"""FETCHes/s of the export's cursors."""


def make(aim: Aim) -> Fault:
    """More reads than the disk can do."""
    used = [one for one in aim.platform.databases if aim.reach(one.name) >= LEAST_REACH and aim.rates[one.name] > 1.0]
    name = aim.choose([one.name for one in used], "no busy database")
    database = aim.platform.by_name[name]
    if not isinstance(database, Database):
        raise KeyError(name)
    hit = aim.rng.uniform(0.15, 0.4)
    reads = _reads(aim, database, hit) * aim.rng.uniform(1.15, 1.6)

    def turn(at: float, knobs: Knobs) -> None:
        station, strength = knobs.station(name), aim.strength(at, ramp=30.0)
        knobs.hit_times[station] *= 1.0 + (hit - 1.0) * strength
        knobs.reads_times[station] *= 1.0 + (reads - 1.0) * strength
        knobs.load_add[station] += EXPORT_QUERIES * strength

    fix = f"end the export that reads {name}, and give it a replica"
    truth = aim.truth("database-read-spike", name, ("disk", "latency", "saturation", "load"), "config", fix)
    return Effect(turn, truth)


def _reads(aim: Aim, database: Database, hit: float) -> float:
    """Times the page reads of a query with which the disk is just full, at that share of the usual hit ratio."""
    allowed = database.iops / (aim.rates[database.name] + EXPORT_QUERIES) - database.writes
    missing = database.reads * (1.0 - database.hit_ratio * hit)
    return float(np.maximum(allowed / missing, 1.0))
