"""Sampled traces of a recording.

The simulation knows mean latencies, failures and numbers of calls for each tick; single requests are drawn from them.
What a callee works itself is what is left of its latency after the calls that it makes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from brain_lab.emit.records import Int
from brain_lab.emit.traces.calls import Calls
from brain_lab.emit.traces.growth import SPREAD, CallGraph, Conditions, grow
from brain_lab.emit.traces.shapes import Edge, Protocol
from brain_lab.platforms.model import Cache, Database, Role, Service, Station
from brain_lab.simulate.recording import Array, Recording
from brain_lab.tell.processes import Processes

_WIRE: Final = 0.00005
"""Seconds one way between two pods, at least."""
_PATIENCE: Final = 30.0
"""Seconds that callers from outside wait."""
_LEAST_OWN: Final = 0.0002
"""Seconds; of a callee whose latency its own calls explain altogether."""
_PILOT: Final = 300
"""Requests by which the size of a tree is measured."""


def sample_calls(processes: Processes, budget: int, rng: np.random.Generator) -> Calls:
    """Calls of as many sampled requests as make about `budget` spans.

    Args:
        processes: Of the recording.
        budget: Spans.
        rng: Draws the requests.
    """
    edges = _Edges.of(processes.recording)
    graph, conditions = _graph(processes, edges), _conditions(processes, edges)
    incoming = _incoming(processes.recording, edges)
    entry, sent = _requests(processes, incoming, _PILOT, rng)
    if not len(entry):
        return _placed(processes, grow(graph, conditions, entry, sent, rng), rng)
    pilot = _placed(processes, grow(graph, conditions, entry, sent, rng), rng)
    each = max((np.count_nonzero(pilot.caller >= 0) + np.count_nonzero(pilot.callee >= 0)) / len(entry), 1.0)
    entry, sent = _requests(processes, incoming, int(budget / each), rng)
    return _placed(processes, grow(graph, conditions, entry, sent, rng), rng)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Entries first, one for each station; then calls; then messages.

    Attributes:
        edges: Kinds of calls.
        caller: [E] station, or -1.
        callee: [E] station.
        call: [E] index into the recording's calls, or -1.
        timeout: [E] seconds.
        often: [T, E] for each call that the caller serves.
    """

    edges: tuple[Edge, ...]
    caller: Int
    callee: Int
    call: Int
    timeout: Array
    often: Array

    @classmethod
    def of(cls, recording: Recording) -> _Edges:
        platform, index = recording.platform, recording.station_index
        served = np.maximum(recording.stations["rate"].astype(np.float64), 1e-9)
        edges = [_edge(station) for station in platform.stations]
        caller, callee = [-1] * len(edges), list(range(len(edges)))
        call, timeout = [-1] * len(edges), [_PATIENCE] * len(edges)
        often = [np.ones(len(recording.times))] * len(edges)
        for number, (name, one) in enumerate(recording.calls):
            if one.awaits:
                continue
            edges.append(_edge(platform.by_name[one.to]))
            caller.append(index[name])
            callee.append(index[one.to])
            call.append(number)
            timeout.append(one.timeout)
            often.append(recording.edges["flow"][:, number] / served[:, index[name]])
        for producer in platform.services:
            for topic, consumer in recording.groups:
                if topic in producer.produces:
                    edges.append(Edge(consumer, Protocol.KAFKA, topic, 9092, group=consumer))
                    caller.append(index[producer.name])
                    callee.append(index[consumer])
                    call.append(-1)
                    timeout.append(_PATIENCE)
                    often.append(np.full(len(recording.times), producer.produces[topic]))
        return cls(
            tuple(edges), np.array(caller), np.array(callee), np.array(call), np.array(timeout), np.stack(often, axis=1)
        )


def _edge(station: Station) -> Edge:
    if isinstance(station, Database):
        return Edge(station.name, Protocol.SQL, f"SELECT {station.name.removesuffix('-db')}", 5432, station.name)
    if isinstance(station, Cache):
        return Edge(station.name, Protocol.REDIS, "GET", 6379)
    if isinstance(station, Service) and station.role is Role.JOB:
        return Edge(station.name, Protocol.JOB, station.name)
    return Edge(station.name, Protocol.HTTP, f"POST /v1/{station.name}")


def _graph(processes: Processes, edges: _Edges) -> CallGraph:
    pods = tuple(processes.of_service.get(station.name, ()) for station in processes.recording.platform.stations)
    return CallGraph(edges.edges, edges.caller, edges.callee, edges.often, edges.timeout, pods, processes.origins)


def _conditions(processes: Processes, edges: _Edges) -> Conditions:
    recording = processes.recording
    latency = recording.stations["latency"].astype(np.float64)
    failing = recording.stations["failing"].astype(np.float64)
    loss = recording.stations["net_loss"].astype(np.float64)
    calling = edges.call >= 0
    seconds, refused = np.zeros_like(latency), np.zeros_like(latency)
    each = edges.often[:, calling]
    spent = each * recording.edges["seconds"][:, edges.call[calling]]
    # A failed call fails a part of the caller's requests only, where there are retries or a fallback.
    shares = np.array([one.critical for _, one in recording.calls])[edges.call[calling]]
    broken = np.minimum(each, 1.0) * recording.edges["failing"][:, edges.call[calling]] * shares
    for column, station in enumerate(edges.caller[calling].tolist()):
        seconds[:, station] += spent[:, column]
        refused[:, station] += broken[:, column]
    own, by_itself = np.maximum(latency - seconds, _LEAST_OWN), np.clip(failing - refused, 0.0, 1.0)
    own *= np.exp(-(SPREAD**2) / 2.0)  # the median of what has this mean
    wire = np.full(edges.often.shape, _WIRE)
    # What a call takes longer than its callee is on the way; a delay of the network shows here.
    on_the_way = (recording.edges["seconds"][:, edges.call[calling]] - latency[:, edges.callee[calling]]) / 2.0
    wire[:, calling] = np.clip(on_the_way, _WIRE, 1.0)
    for number, edge in enumerate(edges.edges):
        if edge.protocol is Protocol.KAFKA:
            group = recording.groups.index((edge.operation, edge.callee))
            wire[:, number] = np.minimum(recording.topics["delay"][:, group], 3600.0)
    lost = np.where(edges.caller >= 0, loss[:, np.maximum(edges.caller, 0)], 0.0)
    return Conditions(
        start=processes.start,
        step=processes.tick,
        own=own[:, edges.callee],
        wire=wire,
        failing=by_itself[:, edges.callee],
        unreachable=np.clip(np.maximum(lost, loss[:, edges.callee]), 0.0, 1.0),
    )


def _incoming(recording: Recording, edges: _Edges) -> Array:
    """[T, S] requests/s from outside: what arrives at a station and no other station sent."""
    arriving = recording.stations["offered"].astype(np.float64)
    rate = recording.stations["rate"].astype(np.float64)
    inner = np.flatnonzero(edges.caller >= 0)
    for number in inner.tolist():
        arriving[:, edges.callee[number]] -= edges.often[:, number] * rate[:, edges.caller[number]]
    known = {entry.to for entry in recording.platform.entries}
    asked = np.array([station.name in known for station in recording.platform.stations])
    found: Array = np.clip(arriving, 0.0, None) * asked
    return found


def _requests(processes: Processes, incoming: Array, count: int, rng: np.random.Generator) -> tuple[Int, Int]:
    """Edges (those of the entries are numbered as the stations) and moments of sampled requests, in order of time."""
    total = incoming.sum()
    if not total or not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    cells = np.sort(rng.choice(incoming.size, count, p=(incoming / total).ravel()))
    row, station = np.divmod(cells, incoming.shape[1])
    sent = processes.start + ((row + rng.random(count)) * processes.tick).astype(np.int64)
    order = np.argsort(sent, kind="stable")
    return station[order], sent[order]


def _placed(processes: Processes, calls: Calls, rng: np.random.Generator) -> Calls:
    """The calls with callees that were ready at their moment."""
    stations = processes.recording.platform.stations
    callee = calls.callee.copy()
    index = processes.recording.station_index
    station = np.array([index[edge.callee] for edge in calls.edges], np.int64)[calls.edge]
    for number in np.unique(station).tolist():
        if processes.of_service.get(stations[number].name):
            rows = np.flatnonzero(station == number)
            callee[rows] = processes.pick(stations[number].name, calls.sent[rows], rng)
    caller = np.where(calls.parent >= 0, callee[calls.parent], -1) if len(calls) else calls.caller
    return replace(calls, callee=callee, caller=caller)
