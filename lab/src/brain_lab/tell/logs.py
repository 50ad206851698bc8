"""Log lines of a recording: a sample of what requests leave, and all that troubles leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.lines import Moments, fault_lines, merged, usual_lines
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.registry import PROGRAMS
from brain_lab.emit.records import Int, LogRecord, Origin, SpanBatch, SpanKind
from brain_lab.platforms.model import Cache, Call, Database, Service
from brain_lab.simulate.recording import Array, Recording, Truth
from brain_lab.tell.processes import Processes
from brain_lab.tell.voices import COMPLAINTS, Complaint, audit, voice

_AUDIT_SHARE: Final = 0.15
"""Of the lines of an audited service."""
_PROXY_SHARE: Final = 0.1
"""Of the lines of a service: those of its sidecar's access log that are kept."""
_QUIET: Final = 0.02
"""Failing share of calls below which nobody writes about the callee in particular."""
_TROUBLE_LINES: Final = 0.5
"""Share of failed calls that leave a line of their own."""


def log_of(
    processes: Processes, budget: int, rng: np.random.Generator, spans: SpanBatch | None = None
) -> list[LogRecord]:
    """The log of a whole recording, in order of time.

    Args:
        processes: Of the recording.
        budget: Lines of usual work, at most; those of troubles come on top.
        rng: Draws the lines.
        spans: Sampled traces; their requests leave lines that carry their ids, up to half of the budget.
    """
    recording = processes.recording
    traced = [] if spans is None else list(_traced(processes, spans, budget // 2, rng))
    share = _share(recording, budget - sum(map(len, traced)))
    parts = [
        *traced,
        *_services(processes, share, rng),
        *_stores(processes, share, rng),
        *_troubles(processes, share, rng),
        *(lines for truth in recording.truth for lines in _complaints(processes, truth, rng)),
    ]
    return merged(parts)


def _traced(processes: Processes, spans: SpanBatch, budget: int, rng: np.random.Generator) -> Iterator[list[LogRecord]]:
    """A line for the server spans of sampled requests, at the end of each."""
    served = np.array([shape.kind is SpanKind.SERVER for shape in spans.shapes], bool)
    rows = np.flatnonzero(served[spans.shape]) if len(spans) else np.zeros(0, np.int64)
    rows = rows[rng.random(len(rows)) < budget / max(len(rows), 1)]
    rows = rows[np.argsort(spans.end[rows], kind="stable")]
    last = processes.start + len(processes.recording.times) * processes.tick
    rows = rows[spans.end[rows] < last]
    for number in np.unique(spans.origin[rows]).tolist():
        mine, origin = rows[spans.origin[rows] == number], processes.origins[number]
        moments = Moments(
            spans.end[mine],
            (spans.end[mine] - spans.start[mine]) / 1e9,
            np.maximum(spans.code[mine], 200),
            spans.trace[mine],
            spans.span[mine],
        )
        program = voice(processes.recording.platform.service(origin.service))
        yield usual_lines(program, origin, moments, rng, {"path": f"/v1/{origin.service}", "method": "POST"})


def _share(recording: Recording, budget: int) -> float:
    tick = float(np.diff(recording.times[:2])[0]) if len(recording.times) > 1 else 1.0
    written = recording.stations["logs"][:, : len(recording.platform.services)]
    expected = float(written.sum()) * tick * (1.0 + _AUDIT_SHARE + _PROXY_SHARE)
    return min(1.0, budget / expected) if expected else 0.0


def _services(processes: Processes, share: float, rng: np.random.Generator) -> Iterator[list[LogRecord]]:
    recording = processes.recording
    for service in recording.platform.services:
        lines = recording.station(service.name, "logs") * share
        seconds, failing = recording.station(service.name, "latency"), recording.station(service.name, "failing")
        names = {"path": f"/v1/{service.name}", "topic": service.consumes or "events", "group": service.name}
        speakers = [(voice(service), 1.0), (PROGRAMS["envoy"], _PROXY_SHARE)]
        auditor = audit(recording.platform.name, service.name)
        if auditor is not None:
            speakers.append((auditor, _AUDIT_SHARE))
        for program, part in speakers:
            moments = _moments(processes, lines * part, seconds, failing, rng)
            yield from _by_pod(processes, service, program, moments, rng, names)


def _by_pod(
    processes: Processes,
    service: Service,
    program: Program,
    moments: Moments,
    rng: np.random.Generator,
    names: Mapping[str, str],
    fault: LogFault | None = None,
) -> Iterator[list[LogRecord]]:
    """The lines of one service, each by a pod that was ready at its moment."""
    pods = processes.pick(service.name, moments.time, rng)
    for pod in np.unique(pods).tolist():
        part, origin = moments.of(np.flatnonzero(pods == pod)), processes.origins[pod]
        if fault is None:
            yield usual_lines(program, origin, part, rng, names)
        else:
            yield fault_lines(program, fault, origin, part, rng, names)


def _stores(processes: Processes, share: float, rng: np.random.Generator) -> Iterator[list[LogRecord]]:
    """Databases and caches: a line for a small part of what they are asked."""
    recording = processes.recording
    stores: tuple[Database | Cache, ...] = (*recording.platform.databases, *recording.platform.caches)
    for store in stores:
        rate = recording.station(store.name, "rate")
        program = PROGRAMS["postgres"] if isinstance(store, Database) else PROGRAMS["redis"]
        lines = rate * share * 0.02 if isinstance(store, Database) else np.full(len(rate), 0.02)
        seconds = recording.station(store.name, "latency")
        moments = _moments(processes, lines, seconds, np.zeros(len(rate)), rng)
        yield usual_lines(program, _store_origin(recording, store), moments, rng, {"database": store.name})


def _troubles(processes: Processes, share: float, rng: np.random.Generator) -> Iterator[list[LogRecord]]:
    """What callers write about callees that fail them."""
    recording = processes.recording
    for number, (caller, call) in enumerate(recording.calls):
        failing: Array = recording.edges["failing"][:, number].astype(np.float64)
        service = recording.platform.by_name[caller]
        if call.awaits or not isinstance(service, Service) or failing.max(initial=0.0) < _QUIET:
            continue
        flow = recording.edges["flow"][:, number].astype(np.float64)
        lines = np.where(failing >= _QUIET, failing * flow * _TROUBLE_LINES, 0.0) * max(share, 0.02)
        names = {"peer": call.to, "host": f"{call.to}.{service.namespace}.svc.cluster.local"}
        for fault, mask in _kinds(recording, number, caller, call):
            moments = Moments(_times(processes, lines * mask, rng))
            yield from _by_pod(processes, service, voice(service), moments, rng, names, fault)


def _kinds(recording: Recording, number: int, caller: str, call: Call) -> Iterator[tuple[LogFault, Array]]:
    """Kinds of trouble of a call and [T] when it is that: the first that fits."""
    callee = recording.station_index[call.to]
    states = {name: recording.stations[name][:, callee] for name in ("limited", "ready", "net_loss", "latency")}
    lossy = recording.stations["net_loss"][:, recording.station_index[caller]]
    pool = recording.edges["pool_used"][:, number]
    left = np.ones(len(recording.times), bool)
    for fault, fits in (
        (LogFault.RATE_LIMITED, states["limited"] > 0.0),
        (LogFault.NETWORK_LOSS, np.maximum(states["net_loss"], lossy) > 0.01),
        (LogFault.CONNECTION_REFUSED, states["ready"] < 0.5),
        (LogFault.POOL_EXHAUSTED, (pool > 0.98) & (call.pool > 0)),
        (LogFault.TIMEOUT, np.ones(len(left), bool)),
    ):
        yield fault, (left & fits).astype(np.float64)
        left &= ~fits


def _complaints(processes: Processes, truth: Truth, rng: np.random.Generator) -> Iterator[list[LogRecord]]:
    """What the thing that is broken, or whoever is in charge of it, says from the onset on."""
    recording = processes.recording
    for complaint in COMPLAINTS.get(truth.fault, ()):
        lines = np.where(recording.times >= truth.onset, complaint.each_second, 0.0)
        moments = Moments(_times(processes, lines, rng))
        yield from _complaint(processes, truth.entity.name, complaint, moments, rng)


def _complaint(
    processes: Processes, name: str, complaint: Complaint, moments: Moments, rng: np.random.Generator
) -> Iterator[list[LogRecord]]:
    recording = processes.recording
    station = recording.platform.by_name.get(name)
    if isinstance(station, Database | Cache):
        program = PROGRAMS["postgres"] if isinstance(station, Database) else PROGRAMS["redis"]
        origin = _store_origin(recording, station)
        yield fault_lines(program, complaint.fault, origin, moments, rng, {"database": name})
        return
    if isinstance(station, Service) and complaint.program in ("itself", "envoy", "audit"):
        auditor = audit(recording.platform.name, name)
        program = {"envoy": PROGRAMS["envoy"], "audit": auditor}.get(complaint.program) or voice(station)
        yield from _by_pod(processes, station, program, moments, rng, {"peer": name}, complaint.fault)
        return
    if complaint.program == "kubelet":
        node = name if station is None else _first_node(processes, name)
        origin = Origin("kubelet", node=node, cluster=recording.platform.cluster)
        pod = _first_pod(processes, name)
        yield fault_lines(PROGRAMS["kubelet"], complaint.fault, origin, moments, rng, {"pod": pod, "container": name})


def _first_node(processes: Processes, service: str) -> str:
    pods = processes.of_service.get(service, ())
    return processes.origins[pods[0]].node if pods else ""


def _first_pod(processes: Processes, service: str) -> str:
    pods = processes.of_service.get(service, ())
    return processes.origins[pods[0]].pod if pods else service


def _store_origin(recording: Recording, store: Database | Cache) -> Origin:
    return Origin(store.name, store.namespace, cluster=recording.platform.cluster)


def _moments(processes: Processes, lines: Array, seconds: Array, failing: Array, rng: np.random.Generator) -> Moments:
    """Moments of requests: `lines` a second, with the latency and the failing share of their tick."""
    times = _times(processes, lines, rng)
    row = processes.row(times)
    took = seconds[row].astype(np.float64) * rng.lognormal(-0.125, 0.5, len(times))
    status = np.where(rng.random(len(times)) < failing[row], 503, 200)
    return Moments(times, took, status)


def _times(processes: Processes, lines: Array, rng: np.random.Generator) -> Int:
    """Moments in order of time, as many a second as `lines` says for each tick."""
    counts = rng.poisson(np.clip(lines, 0.0, None) * processes.tick / 1e9)
    row = np.repeat(np.arange(len(lines)), counts)
    times = processes.start + ((row + rng.random(len(row))) * processes.tick).astype(np.int64)
    return np.sort(times)
