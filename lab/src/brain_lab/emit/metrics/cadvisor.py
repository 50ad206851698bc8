"""What the kubelet's cAdvisor says about containers, scraped from each node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.lives import Lives
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries

PERIODS: Final = 10.0
"""CFS periods a second."""

_RETRANSMITTED: Final = 40.0
"""Packets a request."""


def series(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """CPU, throttling, memory, disk and network of all containers."""
    stations = scrape.recording.stations
    alive = np.zeros((len(scrape.recording.times), len(scrape.recording.platform.stations)))
    for column in range(len(lives.pods)):
        alive[:, lives.stations[column]] += lives.runs[:, column]
    uneven = scrape.rng("cpu uneven").normal(1.0, 0.04, len(lives.pods))
    share = lives.runs / np.maximum(alive[:, lives.stations], 1.0)
    cores = scrape.noisy("cpu", stations["cpu"][:, lives.stations] * share, 0.03) * uneven
    own, at = lives.container_labels, lives.targets
    cpu = lives.counter("cpu", np.maximum(cores, 0.0))
    yield from scrape.series("container_cpu_usage_seconds_total", cpu, own, counter=True, targets=at)
    periods = np.floor(lives.counter("periods", np.full(cores.shape, PERIODS)))
    yield from scrape.series("container_cpu_cfs_periods_total", periods, own, counter=True, targets=at)
    base = np.abs(scrape.rng("throttling").normal(0.0, 0.004, cores.shape))
    throttled = np.minimum(stations["throttled"][:, lives.stations] + base, 1.0)
    stopped = np.floor(lives.counter("periods", PERIODS * throttled))
    yield from scrape.series("container_cpu_cfs_throttled_periods_total", stopped, own, counter=True, targets=at)
    memory = scrape.noisy("memory", scrape.recording.pods["memory"][:, lives.slots], 0.004)
    used = lives.while_(lives.runs, np.round(memory[scrape.rows]))
    yield from scrape.series("container_memory_working_set_bytes", used, own, targets=at)
    yield from _disk(scrape, lives)
    yield from _network(scrape, lives)


def _disk(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """Bytes written by those that have a volume, or that log far more than usual."""
    lines = scrape.recording.stations["logs"][:, lives.stations].astype(np.float64) * 180.0
    usual = np.median(lines, axis=0)
    noticed = np.array([service.volume_bytes > 0.0 for service in lives.services])
    columns = np.flatnonzero(noticed | (lines.max(axis=0) > 4.0 * usual + 1e5))
    written = np.floor(lives.counter("writes", scrape.noisy("writes", lines + 2e3, 0.2)))[:, columns]
    labels, at = [lives.container_labels[n] for n in columns], [lives.targets[n] for n in columns]
    yield from scrape.series("container_fs_writes_bytes_total", written, labels, counter=True, targets=at)


def _network(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """Dropped packets of services that lost any; cAdvisor's other interfaces are left out."""
    stations = scrape.recording.stations
    lost = (stations["net_loss"] * stations["rate"])[:, lives.stations].astype(np.float64) * _RETRANSMITTED
    columns = np.flatnonzero(np.any(lost > 0.0, axis=0))
    for side in ("receive_packets_dropped", "transmit_packets_dropped", "receive_errors", "transmit_errors"):
        rates = lost * (0.5 if side.endswith("dropped") else 0.0)
        values = np.floor(lives.counter(side, rates))[:, columns]
        labels, at = [lives.labels[n] for n in columns], [lives.targets[n] for n in columns]
        yield from scrape.series(f"container_network_{side}_total", values, labels, counter=True, targets=at)
