"""The pods of a recording as origins of log lines and spans, and who of them was ready when."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.records import NANOS, Int, Origin
from brain_lab.simulate.pods import Phase
from brain_lab.simulate.recording import TICK, Recording


class Processes:
    """All pods of a recording.

    Args:
        recording: Whose.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.start = round((float(recording.times[0]) - TICK) * NANOS)
        """Nanoseconds since the epoch at which the first tick begins."""
        self.tick = round(TICK * NANOS)
        self.origins = tuple(self._origin(number) for number in range(len(recording.pod_list)))

    @cached_property
    def of_service(self) -> Mapping[str, tuple[int, ...]]:
        """Service → its pods, indexes into `origins`."""
        found: dict[str, list[int]] = {service.name: [] for service in self.recording.platform.services}
        for number, pod in enumerate(self.recording.pod_list):
            found[pod.service].append(number)
        return {name: tuple(numbers) for name, numbers in found.items()}

    @cached_property
    def ready(self) -> NDArray[np.bool_]:
        """[T, pods] who answered requests."""
        pods = self.recording.pod_list
        rows = np.arange(len(self.recording.times))[:, None]
        first, last = np.array([[pod.first, pod.last] for pod in pods]).reshape(-1, 2).T
        phase = self.recording.pods["phase"][:, [pod.slot for pod in pods]]
        found: NDArray[np.bool_] = (rows >= first) & (rows < last) & (phase == Phase.READY)
        return found

    def row(self, times: Int) -> Int:
        """[N] the tick that each moment lies in; the nearest one outside of the recording."""
        return np.clip((times - self.start) // self.tick, 0, len(self.recording.times) - 1)

    def pick(self, service: str, times: Int, rng: np.random.Generator) -> Int:
        """[N] a pod of the service that was ready at each moment, by chance; its first one if none was."""
        pods = np.array(self.of_service[service], np.int64)
        ready = self.ready[:, pods]
        order = np.argsort(~ready, axis=1, kind="stable")  # the ready ones first
        count = np.maximum(ready.sum(axis=1), 1)
        row = self.row(times)
        place = (rng.random(len(times)) * count[row]).astype(np.int64)
        chosen: Int = pods[order[row, place]]
        return chosen

    def _origin(self, number: int) -> Origin:
        pod, platform = self.recording.pod_list[number], self.recording.platform
        service = platform.service(pod.service)
        return Origin(
            service=service.name,
            namespace=service.namespace,
            pod=pod.name,
            node=pod.node,
            cluster=platform.cluster,
            language=service.language,
        )
