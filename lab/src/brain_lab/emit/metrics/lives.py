"""Pods as columns: the states of a slot during the life of each pod that it held."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.model import Service
from brain_lab.simulate.pods import Phase
from brain_lab.simulate.recording import TICK, Array, Pod

Mask = NDArray[np.bool_]


class Lives:
    """All pods of a recording that were scheduled or waited long enough to be seen, [T, pods]."""

    def __init__(self, scrape: Scrape) -> None:
        recording = scrape.recording
        self.scrape = scrape
        self.pods: list[Pod] = [pod for pod in recording.pod_list if pod.last - pod.first >= 3]
        self.slots = np.array([pod.slot for pod in self.pods])
        rows = np.arange(len(recording.times))[:, None]
        first, last = np.array([[pod.first, pod.last] for pod in self.pods]).T
        self.exists: Mask = (rows >= first) & (rows < last)
        self.phase = recording.pods["phase"][:, self.slots]
        self.runs: Mask = self.exists & ((self.phase == Phase.READY) | (self.phase == Phase.STARTING))
        names = recording.station_index
        self.stations = np.array([names[pod.service] for pod in self.pods])
        self.services: list[Service] = [recording.platform.service(pod.service) for pod in self.pods]
        restarts = recording.pods["restarts"][:, self.slots]
        self.restarts = restarts
        self.restarted: Mask = np.diff(restarts, axis=0, prepend=restarts[:1]) > 0.0
        self.targets = [pod.node for pod in self.pods]
        self.labels = [
            {"namespace": service.namespace, "pod": pod.name}
            for pod, service in zip(self.pods, self.services, strict=True)
        ]
        self.container_labels = [
            {**labels, "container": service.name} for labels, service in zip(self.labels, self.services, strict=True)
        ]

    def while_(self, mask: Mask, values: Array) -> Array:
        """[R, pods] of [R, pods]: values where the mask holds, else no sample."""
        return np.where(mask[self.scrape.rows], values, np.nan)

    def counter(self, concern: str, rates: Array) -> Array:
        """[R, pods] running sums of [T, pods] rates that begin anew with each start of the container."""
        sums = np.cumsum(rates * self.runs, axis=0) * TICK
        base = np.maximum.accumulate(np.where(self.restarted, sums, 0.0), axis=0)
        old = self.scrape.rng(concern).uniform(0.1, 3.0, len(self.pods)) * 86400.0 * rates[0] * self.exists[0]
        since = np.where(np.maximum.accumulate(self.restarted, axis=0), 0.0, old)
        return self.while_(self.runs, (sums - base + since)[self.scrape.rows])
