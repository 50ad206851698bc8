"""Somebody leaves the log level at DEBUG: every request writes hundreds of lines, and writing them costs more than it.

The service's CPU goes into formatting, the disks of its nodes into writing, and its callers wait. Neighbours on the
same nodes feel the disk; the bill for ingested logs grows.
"""

from __future__ import annotations

from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.capacity import ruinous
from brain_lab.faults.protocol import Fault
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import config_edit
from brain_lab.simulate.contention import LINES, LOG_CORES
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

LEAST_RATE: Final = 5.0
"""Requests/s: a service with fewer cannot make a storm."""


def make(aim: Aim) -> Fault:
    """As many lines as take all the CPU that the service may get, and some more."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > LEAST_RATE]
    name = aim.choose(busy, "no busy service")
    service = aim.platform.service(name)
    cpu = service.cpu_seconds * ruinous(aim, service) * aim.rng.uniform(1.1, 1.5)
    times = 1.0 + cpu / (LINES * LOG_CORES)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.log_times[knobs.station(name)] *= 1.0 + (times - 1.0) * aim.strength(at, ramp=10.0)

    diff = {"logging.level.root": ("INFO", "DEBUG"), "logging.appender.async": ("true", "false")}
    change = config_edit(aim.onset, service.namespace, f"{name}-logging", diff, name, "robin@example.com")
    kinds = ("disk", "cpu", "saturation", "latency")
    truth = aim.truth("logging-storm", name, kinds, "config", f"set the log level of {name} back to INFO")
    return Effect(turn, truth, changes=(change,))
