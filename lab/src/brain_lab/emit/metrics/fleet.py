"""What the gateways of a fleet say: which devices are connected, how old heartbeats are, sensors of some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.model import Fleet
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK, Array

SAMPLED: Final = 12
"""Devices of a fleet whose sensors are shown one by one."""

_SENSORS: Final = {
    "vehicle": (("battery_temperature_celsius", 31.0, 2.5), ("battery_charge_ratio", 0.62, 0.12)),
    "plant-controller": (("spindle_vibration_mm_per_second", 2.1, 0.3), ("coolant_temperature_celsius", 24.0, 1.2)),
    "bedside-monitor": (("heart_rate_per_minute", 78.0, 9.0), ("oxygen_saturation_ratio", 0.965, 0.012)),
}
"""Name, usual value and spread over devices."""


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """All fleets of the platform."""
    fleets = list(enumerate(scrape.recording.platform.fleets))
    for number, fleet in fleets:
        yield from _connected(scrape, number, fleet)
    for number, fleet in fleets:
        yield from _ages(scrape, number, fleet)
    for number, fleet in fleets:
        yield from _sensors(scrape, number, fleet)


def _silent(scrape: Scrape, number: int) -> Array:
    return scrape.recording.fleets["silent"][:, number].astype(np.float64)


def _labels(fleet: Fleet) -> list[dict[str, str]]:
    return [{"service_name": fleet.gateway, "fleet": fleet.name, "group": group} for group in fleet.groups]


def _connected(scrape: Scrape, number: int, fleet: Fleet) -> Iterator[PromSeries]:
    """A silent share is whole groups first: what fails is a region or a ward, not devices at random."""
    values = np.round(fleet.devices / len(fleet.groups) * (1.0 - _by_group(scrape, number, fleet)))
    values = scrape.gauge(np.round(scrape.noisy(f"connected {fleet.name}", values, 0.002)))
    targets = [fleet.gateway] * len(fleet.groups)
    yield from scrape.series("fleet_devices_connected", values, _labels(fleet), targets=targets)


def _by_group(scrape: Scrape, number: int, fleet: Fleet) -> Array:
    """[T, groups] share of silent devices."""
    filled = _silent(scrape, number)[:, None] * len(fleet.groups) - np.arange(len(fleet.groups))
    return np.clip(filled, 0.0, 1.0)


def _ages(scrape: Scrape, number: int, fleet: Fleet) -> Iterator[PromSeries]:
    """Age of the oldest heartbeat of each group: grows while devices are silent."""
    silent = _by_group(scrape, number, fleet) > 0.0
    rows = np.arange(len(silent))[:, None]
    heard = np.maximum.accumulate(np.where(silent, -1, rows), axis=0)
    age = fleet.interval * (1.0 + 0.1 * scrape.rng(f"age {fleet.name}").random(silent.shape)) + (rows - heard) * TICK
    values, targets = scrape.gauge(age), [fleet.gateway] * len(fleet.groups)
    yield from scrape.series("fleet_oldest_heartbeat_age_seconds", values, _labels(fleet), targets=targets)


def _sensors(scrape: Scrape, number: int, fleet: Fleet) -> Iterator[PromSeries]:
    rng = scrape.rng(f"sensors {fleet.name}")
    gone = _by_group(scrape, number, fleet)[scrape.rows] > 0.0
    for name, usual, spread in _SENSORS.get(fleet.name, ()):
        level = usual + spread * rng.standard_normal(SAMPLED)
        walk = np.cumsum(0.02 * spread * rng.standard_normal((len(scrape.rows), SAMPLED)), axis=0)
        groups = np.arange(SAMPLED) % len(fleet.groups)
        values = np.where(gone[:, groups], np.nan, level + walk)
        labels = [
            {"fleet": fleet.name, "group": fleet.groups[group], "device": f"{fleet.name}-{n:05d}"}
            for n, group in enumerate(groups.tolist())
        ]
        yield from scrape.series(f"device_{name}", values, labels, targets=[fleet.gateway] * SAMPLED)
