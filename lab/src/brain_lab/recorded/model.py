"""A recorded incident in base units, whatever the data set it came from.

Loaders make it, the replay turns it into Prometheus samples. It deliberately has no field for the case's
name or for the injected fault: nothing that is derived from it can leak them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain_engine.series import Family
from brain_lab.recorded.flow import Flow

Array = NDArray[np.float64]


class Measure(StrEnum):
    """What a series measures; the values are in the unit given here."""

    REQUEST_RATE = "request_rate"  # requests/s
    ERROR_RATIO = "error_ratio"  # 0..1
    LATENCY_MEAN = "latency_mean"  # seconds, like all latencies
    LATENCY_P50 = "latency_p50"
    LATENCY_P90 = "latency_p90"
    LATENCY_P95 = "latency_p95"
    LATENCY_P99 = "latency_p99"
    CPU = "cpu"  # cores in use
    MEMORY = "memory"  # bytes
    DISK_WRITES = "disk_writes"  # bytes/s
    DISK_READS = "disk_reads"  # bytes/s
    SOCKETS = "sockets"  # open sockets

    @property
    def family(self) -> Family:
        """What it tells about its entity."""
        return _FAMILY.get(self, Family.LATENCY)


_FAMILY = {
    Measure.REQUEST_RATE: Family.LOAD,
    Measure.ERROR_RATIO: Family.ERRORS,
    Measure.CPU: Family.CPU,
    Measure.MEMORY: Family.MEMORY,
    Measure.DISK_WRITES: Family.DISK,
    Measure.DISK_READS: Family.DISK,
    Measure.SOCKETS: Family.NETWORK,
}


class SeriesKey(NamedTuple):
    """Which series: of which service, measuring what."""

    entity: str
    measure: Measure


class AlertTarget(NamedTuple):
    """The service and the measure on which the recorded alert fired."""

    entity: str
    measure: Measure


class End(StrEnum):
    """Where the duration of a call was measured."""

    CLIENT = "client"
    SERVER = "server"


class CallKey(NamedTuple):
    """Which duration of a call, in seconds: of whom to whom, measured where."""

    caller: str
    callee: str
    end: End


@dataclass(frozen=True, slots=True)
class Recording:
    """One period.

    Attributes:
        times: [T] seconds since the epoch, ascending; each row stands for one step from its time on.
        values: [T] per series, in the unit of its measure; NaN where nothing was recorded.
        calls: [T] seconds per pair of services and end, where the data set has them.
        flow: Spans and lines on the clock of ``times``, where the data set has them; they may cover only a part of it.
    """

    times: Array
    values: Mapping[SeriesKey, Array]
    calls: Mapping[CallKey, Array] = field(default_factory=dict)
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A normal period and an incident of one system.

    Attributes:
        normal: Without a fault; may have been recorded long before or after the incident.
        incident: Ends where the recording ends; usually begins a little before the onset.
        edges: (caller, callee), where the data set has a call graph.
        target: Where the alert fired, if the data set says so.
        step: Seconds between two rows.
    """

    normal: Recording
    incident: Recording
    edges: tuple[tuple[str, str], ...]
    target: AlertTarget | None
    step: float
