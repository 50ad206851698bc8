"""The Prometheus series of a replayed case: names, labels and values.

Names and labels are those of the product's signal catalogue: what recording rules, cAdvisor and the
service graph would have made of the system. They are derived from the recording's own service names only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from brain_lab.recorded.model import Array, Measure, RecordedCase, SeriesKey
from brain_lab.replay.timeline import Timeline

NAMESPACE: Final = "replay"
CLUSTER: Final = "lab"
EDGE_METRIC: Final = "traces_service_graph_request_total"
DURATION_METRIC: Final = "traces_service_graph_request_{end}_seconds_{suffix}"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric family: its name, whether its samples are a running sum, whether they carry pod labels."""

    name: str
    counter: bool = False
    of_pod: bool = False


METRICS: Final[Mapping[Measure, Metric]] = {
    Measure.REQUEST_RATE: Metric("service:requests:rate"),
    Measure.ERROR_RATIO: Metric("service:request_errors:ratio"),
    Measure.LATENCY_MEAN: Metric("service:request_duration_seconds:mean"),
    Measure.LATENCY_P50: Metric("service:request_duration_seconds:p50"),
    Measure.LATENCY_P90: Metric("service:request_duration_seconds:p90"),
    Measure.LATENCY_P95: Metric("service:request_duration_seconds:p95"),
    Measure.LATENCY_P99: Metric("service:request_duration_seconds:p99"),
    Measure.CPU: Metric("container_cpu_usage_seconds_total", counter=True, of_pod=True),
    Measure.MEMORY: Metric("container_memory_working_set_bytes", of_pod=True),
    Measure.DISK_WRITES: Metric("container_fs_writes_bytes_total", counter=True, of_pod=True),
    Measure.DISK_READS: Metric("container_fs_reads_bytes_total", counter=True, of_pod=True),
    Measure.SOCKETS: Metric("container_sockets", of_pod=True),
}


@dataclass(frozen=True, slots=True)
class PromSeries:
    """One series to write.

    Attributes:
        metric: Its name.
        counter: Whether it only grows.
        labels: Without the name.
        values: [T] on the timeline's times; NaN where there is no sample.
    """

    metric: str
    counter: bool
    labels: Mapping[str, str]
    values: Array


def series_of(timeline: Timeline) -> list[PromSeries]:
    """All series of a case, those of one metric next to each other."""
    measured = [_measured(timeline, key) for key in timeline.keys]
    return sorted([*measured, *_edges(timeline), *_durations(timeline)], key=lambda series: series.metric)


def pod_name(service: str) -> str:
    """A pod as a ReplicaSet would name it; the same for the same service in every replay."""
    digest = hashlib.sha256(service.encode()).hexdigest()
    return f"{service}-{digest[:10]}-{digest[10:15]}"


def labels_of(key: SeriesKey) -> dict[str, str]:
    """The labels of a measured series."""
    if METRICS[key.measure].of_pod:
        return {"namespace": NAMESPACE, "pod": pod_name(key.entity), "container": key.entity}
    return {"namespace": NAMESPACE, "service": key.entity}


def _measured(timeline: Timeline, key: SeriesKey) -> PromSeries:
    metric = METRICS[key.measure]
    values = timeline.values(key)
    if metric.counter:
        values = np.where(np.isnan(values), np.nan, _running_sum(values, timeline.scrape_seconds))
    return PromSeries(metric.name, metric.counter, labels_of(key), values)


def _running_sum(rates: Array, seconds: float) -> Array:
    """A counter that starts at 0 and grows by what its rate says until each sample."""
    growth = np.nan_to_num(rates) * seconds
    growth[0] = 0.0
    return np.cumsum(growth)


def _edges(timeline: Timeline) -> Iterator[PromSeries]:
    """Requests per call-graph edge, which recordings do not have: a callee's requests, shared among its
    callers in proportion to the requests that they themselves get in the normal period."""
    for caller, callee in timeline.case.edges:
        rate = timeline.values(SeriesKey(callee, Measure.REQUEST_RATE)) * _share(timeline.case, caller, callee)
        labels = {"client": caller, "server": callee}
        yield PromSeries(EDGE_METRIC, True, labels, _running_sum(rate, timeline.scrape_seconds))


def _durations(timeline: Timeline) -> Iterator[PromSeries]:
    """Seconds and number of calls between two services, where their durations were recorded."""
    case = timeline.case
    for key in sorted({*case.normal.calls, *case.incident.calls}):
        seconds = timeline.call(key)
        rate = timeline.values(SeriesKey(key.callee, Measure.REQUEST_RATE)) * _share(case, key.caller, key.callee)
        count = np.where(np.isfinite(seconds) & np.isfinite(rate), rate, np.nan)
        labels = {"client": key.caller, "server": key.callee}
        for suffix, grows in (("sum", count * seconds), ("count", count)):
            values = np.where(np.isnan(grows), np.nan, _running_sum(grows, timeline.scrape_seconds))
            yield PromSeries(DURATION_METRIC.format(end=key.end, suffix=suffix), True, labels, values)


def _share(case: RecordedCase, caller: str, callee: str) -> float:
    callers = [one for one, other in case.edges if other == callee]
    rates = {one: _usual_rate(case, one) for one in callers}
    total = sum(rates.values())
    return rates[caller] / total if total > 0.0 and caller in rates else 1.0 / max(len(callers), 1)


def _usual_rate(case: RecordedCase, service: str) -> float:
    rates = case.normal.values.get(SeriesKey(service, Measure.REQUEST_RATE))
    return 0.0 if rates is None else float(np.nan_to_num(rates).mean())
