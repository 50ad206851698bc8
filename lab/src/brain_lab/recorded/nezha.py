"""Nezha: Online Boutique and TrainTicket, a day each, one-minute metrics per pod, some fifty faults of three minutes.

Layout: `rca_data/<day>/<day>-fault_list.json` and `rca_data/<day>/metric/<pod>_metric.csv`; a call graph in
`metric/dependency.csv` or, where only traces tell, in the spans of `construct_data/<day>/trace`, which were recorded
without a fault. A case is a day and the moment of an injection; no case holds which pod was broken. Which spans and
log lines it has, where the day has any, is decided in `nezha_flow`.

Faults of the data, mended here:

- `inject_timestamp` is eight hours off for most of 2023-01-29: the text `inject_time` is used, which is right.
- `TimeStamp` of one pod of 2022-08-22 is off by 2e8 s: the text `Time` is used.
- The metrics of the fault-free phase are a copy of the day's: the normal period is made of the day's other minutes,
  put side by side, those after the incident in front of those before it, so that the minutes before stay before.
- `PodSuccessRate(%)` is 0 throughout: left out. Latencies of pods without requests read 0 or repeat: gaps.
- A row tells of the minute that ended with it: it is given the time at which that minute began.

CPU is in thousandths of a core and memory in MiB. `source_50.csv` and `destination_50.csv` are the seconds of calls as
measured at either end, where the day has them. Client latencies, network bytes and node metrics of pods are left out:
no signal of the product reads them of a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain_common.errors import InputError
from brain_lab.recorded.document import read_object
from brain_lab.recorded.loader import checked_id
from brain_lab.recorded.model import Array, CallKey, End, Measure, RecordedCase, Recording, SeriesKey
from brain_lab.recorded.nezha_flow import flow_of_day, incident_of, reference
from brain_lab.recorded.spans import call_edges
from brain_lab.recorded.table import read_lines

STEP: Final = 60.0

FAULT_SECONDS: Final = 180.0
"""How long each fault was kept up."""

RECOVERY_SECONDS: Final = 120.0
"""After a fault, minutes that are neither normal nor the fault: the one it ended in, and one to recover."""

LONGEST_DAY: Final = 7 * 1440
"""Rows; a mistyped year must not become an array of gigabytes."""

_SUFFIX: Final = "_metric.csv"
_MIB: Final = 2.0**20
_COLUMNS: Final[Mapping[str, tuple[Measure, float]]] = {
    "CpuUsage(m)": (Measure.CPU, 1e-3),
    "MemoryUsage(Mi)": (Measure.MEMORY, _MIB),
    "PodServerLatencyP90(s)": (Measure.LATENCY_P90, 1.0),
    "PodServerLatencyP95(s)": (Measure.LATENCY_P95, 1.0),
    "PodServerLatencyP99(s)": (Measure.LATENCY_P99, 1.0),
    "PodWorkload(Ops)": (Measure.REQUEST_RATE, 1.0),
}


class Injection(NamedTuple):
    """One entry of the fault list.

    Attributes:
        moment: HH:MM:SS, UTC; with the day it names the case.
        at: Seconds since the epoch.
        pod: Which was broken.
        fault: Its kind.
    """

    moment: str
    at: float
    pod: str
    fault: str


class Nezha:
    """The loader.

    Args:
        past_only: Whether an incident is compared with nothing that came after it.
    """

    def __init__(self, *, past_only: bool = False) -> None:
        self._past_only = past_only

    def cases(self, root: Path) -> tuple[str, ...]:
        found = (path for name in ("*-fault_list.json", "metric") for path in root.glob(f"rca_data/*/{name}"))
        days = sorted({path.parent.name for path in found})
        return tuple(sorted(f"{day}/{one.moment}" for day in days for one in injections(root, day)))

    def load(self, root: Path, case_id: str) -> RecordedCase:
        day, _, moment = checked_id(case_id, self.cases(root), root).partition("/")
        moments = [(one.moment, one.at) for one in injections(root, day)]
        at = next(start for name, start in moments if name == moment)
        whole = _day(root / "rca_data" / day / "metric")
        during, normal = _periods(whole.times, at, [start for _, start in moments])
        if self._past_only:
            normal = normal[whole.times[normal] <= at]
        if not len(during) or not len(normal):
            raise InputError(f"{root}: no metrics of {case_id}")
        before, incident = _side_by_side(whole, normal), _side_by_side(whole, during)
        if (flow := flow_of_day(root, day, service_of)) is not None:
            span = float(whole.times[during[0]]), float(whole.times[during[-1]]) + STEP
            before = replace(
                before, flow=reference(flow, span, float(before.times[-1]) + STEP, past_only=self._past_only)
            )
            incident = replace(incident, flow=incident_of(flow, span, float(incident.times[0])))
        return RecordedCase(
            normal=before,
            incident=incident,
            edges=_edges(root, day, {key.entity for key in whole.values}),
            target=None,
            step=STEP,
        )


def service_of(pod: str) -> str:
    """Without the hashes of ReplicaSet and pod."""
    return pod.rsplit("-", 2)[0]


def injections(root: Path, day: str) -> tuple[Injection, ...]:
    """The day's fault list, which holds the answers too: for when the cases begin, and for scoring.

    Raises:
        InputError: It is damaged.
    """
    path = root / "rca_data" / day / f"{day}-fault_list.json"
    try:
        entries = [entry for hour in read_object(path).values() for entry in hour]
        return tuple(
            Injection(
                moment=str(entry["inject_time"])[11:19],
                at=_moment(str(entry["inject_time"])),
                pod=str(entry["inject_pod"]),
                fault=str(entry["inject_type"]),
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: an entry needs inject_time, inject_pod and inject_type: {error}") from error


def _moment(text: str) -> float:
    """Seconds since the epoch of `2023-01-29 08:43:04`, whatever follows, UTC."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp()


def _periods(times: Array, at: float, starts: Iterable[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the incident, and of the normal period in the order in which they are put side by side."""
    ends = times + STEP
    during = np.flatnonzero((ends > at) & (times < at + FAULT_SECONDS))
    normal = np.ones(len(times), dtype=np.bool_)
    for start in starts:
        normal &= (ends <= start) | (times >= start + FAULT_SECONDS + RECOVERY_SECONDS)
    rows = np.flatnonzero(normal)
    return during, np.concatenate([rows[times[rows] > at], rows[times[rows] <= at]])


def _side_by_side(whole: Recording, rows: NDArray[np.int64]) -> Recording:
    times = whole.times[0] + STEP * np.arange(len(rows), dtype=np.float64)
    return Recording(
        times,
        {key: values[rows] for key, values in whole.values.items()},
        {key: values[rows] for key, values in whole.calls.items()},
    )


@dataclass(frozen=True, slots=True)
class _Pod:
    """One file: when, and what in base units."""

    times: Array
    values: Mapping[Measure, Array]


@lru_cache(maxsize=2)
def _day(folder: Path) -> Recording:
    """All pods of a day on one grid; remembered, as all cases of the day are cut from it."""
    paths = sorted(folder.glob(f"*{_SUFFIX}"))
    pods = [(service_of(path.name.removesuffix(_SUFFIX)), _pod(path)) for path in paths]
    if not pods:
        raise InputError(f"{folder}: no file *{_SUFFIX}")
    first = min(float(pod.times.min()) for _, pod in pods)
    count = round((max(float(pod.times.max()) for _, pod in pods) - first) / STEP) + 1
    if count > LONGEST_DAY:
        raise InputError(f"{folder}: the rows span {count} minutes; a time must be wrong")
    series: dict[SeriesKey, Array] = {}
    for service, pod in pods:
        rows = np.rint((pod.times - first) / STEP).astype(np.int64)
        for measure, values in pod.values.items():
            column = series.setdefault(SeriesKey(service, measure), np.full(count, np.nan))
            column[rows] = np.where(np.isnan(values), column[rows], values)
    return Recording(first - STEP + STEP * np.arange(count, dtype=np.float64), series, _calls(folder, first, count))


def _calls(folder: Path, first: float, count: int) -> dict[CallKey, Array]:
    """Median seconds of calls as the mesh saw them at both ends, on the grid of the pods; a column is caller_callee."""
    calls: dict[CallKey, Array] = {}
    for name, end in (("source_50.csv", End.CLIENT), ("destination_50.csv", End.SERVER)):
        if not (folder / name).is_file():
            continue
        header, *lines = read_lines(folder / name)
        try:
            rows = np.rint((np.array([_moment(line[0]) for line in lines]) - first) / STEP).astype(np.int64)
            inside = (rows >= 0) & (rows < count)
            for index, column in enumerate(header):
                caller, _, callee = column.partition("_")
                if index > 1 and callee:
                    values = np.full(count, np.nan)
                    values[rows[inside]] = _column(lines, index)[inside]
                    calls[CallKey(caller, callee, end)] = values
        except (ValueError, IndexError) as error:
            raise InputError(f"{folder / name}: {error}") from error
    return calls


def _pod(path: Path) -> _Pod:
    header, *lines = read_lines(path)
    try:
        times = np.array([_moment(line[header.index("Time")]) for line in lines])
        table = {name: _column(lines, header.index(name)) for name in _COLUMNS if name in header}
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: {error}") from error
    if not len(times):
        raise InputError(f"{path}: it has a header, but no data")
    values = {_COLUMNS[name][0]: column * _COLUMNS[name][1] for name, column in table.items()}
    return _Pod(times, _without_idle(values))


def _column(lines: Iterable[list[str]], index: int) -> Array:
    values = np.array([float(line[index]) if line[index] else np.nan for line in lines])
    return np.where(np.isfinite(values), values, np.nan)


def _without_idle(values: dict[Measure, Array]) -> dict[Measure, Array]:
    """Latencies only where there were requests to be slow."""
    rate = values.get(Measure.REQUEST_RATE)
    if rate is None:
        return values
    latencies = (Measure.LATENCY_P90, Measure.LATENCY_P95, Measure.LATENCY_P99)
    known = {measure: np.where(rate > 0.0, values[measure], np.nan) for measure in latencies if measure in values}
    return values | known


def _edges(root: Path, day: str, services: set[str]) -> tuple[tuple[str, str], ...]:
    """(caller, callee) among the services that have metrics."""
    table = root / "rca_data" / day / "metric" / "dependency.csv"
    if table.is_file():
        calls = {(row[0], row[1]) for row in read_lines(table)[1:] if len(row) > 1}
    else:
        traces = sorted((root / "construct_data" / day / "trace").glob("*_trace.csv*"))
        calls = {call for path in traces[:1] for call in call_edges(path, service_of)}
    return tuple(sorted(call for call in calls if set(call) <= services and call[0] != call[1]))
