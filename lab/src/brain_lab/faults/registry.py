"""The faults by name; a new one is a file with a ``make`` function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults import (
    bad_rollout,
    database_lock,
    kafka_consumer_lag,
    latency_spike,
    network_delay,
    node_pressure,
    oom_kill,
    rate_limit_too_low,
)
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault

_MAKERS: Final[Mapping[str, Callable[[Aim], Fault]]] = {
    "latency-spike": latency_spike.make,
    "oom-kill": oom_kill.make,
    "database-lock": database_lock.make,
    "network-delay": network_delay.make,
    "bad-rollout": bad_rollout.make,
    "node-pressure": node_pressure.make,
    "kafka-consumer-lag": kafka_consumer_lag.make,
    "rate-limit-too-low": rate_limit_too_low.make,
}


def names() -> tuple[str, ...]:
    """Of all faults."""
    return tuple(_MAKERS)


def make(name: str, aim: Aim) -> Fault:
    """The fault.

    Args:
        name: Of the fault.
        aim: Platform, moment, seed and, if wanted, the target.

    Raises:
        ConfigError: There is none of that name, or the platform has nothing it could break.
    """
    if name not in _MAKERS:
        raise ConfigError(f"fault {name!r}: none of {', '.join(_MAKERS)}")
    return _MAKERS[name](replace(aim, fault=name))
