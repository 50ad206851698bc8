"""A platform as index arrays: what the simulator's equations run over, made once for a run.

Stations keep the order of ``platform.stations``. Edges are sorted by the level of their caller, so that one level's
edges are a slice: load goes down the levels, latency and failures come up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_common.errors import PermanentError
from brain_lab.platforms.model import Cache, Call, Database, External, Platform, Role, Service, Station

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

ENDLESS = 1e9
"""Stands for "no limit" where infinity would make 0 · ∞."""


@dataclass(frozen=True, slots=True)
class Level:
    """The stations that are equally far from the entries, and their outgoing edges.

    Attributes:
        stations: Columns.
        edges: Slice of the edges that they call over.
    """

    stations: Index
    edges: slice


@dataclass(frozen=True, slots=True)
class Network:
    """All that does not change during a run.

    Attributes:
        platform: What it was made of.
        names: [S] of the stations.
        calls: (caller, call) of the edges.
        levels: Entries first.
        own: [S] seconds of a request without CPU and callees.
        cpu: [S] CPU seconds of a request.
        workers: [S] slots of a replica.
        queue: [S] requests that may wait at a replica.
        cores: [S] CPU limit of a replica.
        request: [S] CPU request of a replica.
        errors: [S] share of requests that fail by themselves.
        rate_limit: [S] requests/s.
        reads: [S] page reads of a query; 0 for what is no database.
        hit: [S] hit ratio of a database's buffers, or of a cache.
        writes: [S] disk writes of a query.
        iops: [S] limit.
        storage: [S] bytes of the database's or of each replica's volume; endless where there is none.
        podded: [S] it runs in pods.
        consumer: [S] it works off a topic.
        replicas: [S] at the start; 1 for what has no pods.
        src: [E] caller.
        dst: [E] callee.
        weight: [E] calls per request.
        timeout: [E] seconds of an attempt.
        retries: [E] further attempts.
        critical: [E] share of callers' requests that fail with the call.
        pool: [E] connections of each replica of the caller; endless for no limit.
        breaker: [E] failure ratio that opens it; endless for none.
        cache: [E] station asked before, -1 for none.
        awaits: [E] waits for a consumer instead of calling.
        await_group: [E] which group, -1 for none.
        group_topic: [K] topic of each consumer group.
        group_station: [K] consuming station of each group.
        partitions: [K] of its topic.
        producer: [L] station of each (producer, group) pair.
        produced_group: [L] group of each such pair.
        produced: [L] messages per request of each such pair.
    """

    platform: Platform
    names: tuple[str, ...]
    calls: tuple[tuple[str, Call], ...]
    levels: tuple[Level, ...]
    own: Array
    cpu: Array
    workers: Array
    queue: Array
    cores: Array
    request: Array
    errors: Array
    rate_limit: Array
    reads: Array
    hit: Array
    writes: Array
    iops: Array
    storage: Array
    podded: Mask
    consumer: Mask
    replicas: Array
    src: Index
    dst: Index
    weight: Array
    timeout: Array
    retries: Array
    critical: Array
    pool: Array
    breaker: Array
    cache: Index
    awaits: Mask
    await_group: Index
    group_topic: tuple[str, ...]
    group_station: Index
    partitions: Array
    producer: Index
    produced_group: Index
    produced: Array


def compiled(platform: Platform) -> Network:
    """The platform's network.

    Raises:
        PermanentError: A call leads to nowhere, or calls go round in a circle.
    """
    column = {station.name: n for n, station in enumerate(platform.stations)}
    level_of = _levels(platform)
    calls = sorted(_calls(platform), key=lambda pair: (level_of[pair[0]], column[pair[0]]))
    groups = [(service.consumes, service.name) for service in platform.services if service.consumes]
    group_of = {consumer: n for n, (_, consumer) in enumerate(groups)}
    partitions = {topic.name: topic.partitions for topic in platform.topics}
    produced = [
        (column[service.name], n, messages)
        for service in platform.services
        for topic, messages in service.produces.items()
        for n, (consumed, _) in enumerate(groups)
        if consumed == topic
    ]
    traits = [_traits(station) for station in platform.stations]
    return Network(
        platform=platform,
        names=tuple(column),
        calls=tuple(calls),
        levels=tuple(_slices(calls, level_of, column)),
        **{name: np.array([one[name] for one in traits]) for name in traits[0]},
        podded=np.array([isinstance(station, Service) for station in platform.stations]),
        consumer=np.array([getattr(station, "role", None) is Role.CONSUMER for station in platform.stations]),
        src=np.array([column[caller] for caller, _ in calls], dtype=np.int64),
        dst=np.array([column[call.to] for _, call in calls], dtype=np.int64),
        weight=np.array([0.0 if call.awaits else call.calls for _, call in calls]),
        timeout=np.array([call.timeout for _, call in calls]),
        retries=np.array([float(call.retries) for _, call in calls]),
        critical=np.array([call.critical for _, call in calls]),
        pool=np.array([call.pool or ENDLESS for _, call in calls]),
        breaker=np.array([call.breaker or ENDLESS for _, call in calls]),
        cache=np.array([column[call.behind] if call.behind else -1 for _, call in calls], dtype=np.int64),
        awaits=np.array([call.awaits for _, call in calls]),
        await_group=np.array([group_of[call.to] if call.awaits else -1 for _, call in calls], dtype=np.int64),
        group_topic=tuple(topic for topic, _ in groups),
        group_station=np.array([column[consumer] for _, consumer in groups], dtype=np.int64),
        partitions=np.array([float(partitions[topic]) for topic, _ in groups]),
        producer=np.array([station for station, _, _ in produced], dtype=np.int64),
        produced_group=np.array([group for _, group, _ in produced], dtype=np.int64),
        produced=np.array([messages for _, _, messages in produced], dtype=np.float64),
    )


def summed(columns: Index, values: Array, count: int) -> Array:
    """[count] sums of the values that share a column."""
    return np.bincount(columns, values, count).astype(np.float64, copy=False)


def _calls(platform: Platform) -> Iterator[tuple[str, Call]]:
    for service in platform.services:
        for call in service.calls:
            if call.to not in platform.by_name:
                raise PermanentError(f"{service.name} of {platform.name} calls {call.to}, which is not there")
            yield service.name, call


def _levels(platform: Platform) -> Mapping[str, int]:
    """Longest way from a station that nobody calls; what is awaited is not called."""
    level = dict.fromkeys((station.name for station in platform.stations), 0)
    calls = [(caller, call.to) for caller, call in _calls(platform) if not call.awaits]
    for _ in range(len(level)):
        moved = False
        for caller, callee in calls:
            if level[callee] <= level[caller]:
                level[callee], moved = level[caller] + 1, True
        if not moved:
            return level
    raise PermanentError(f"calls of {platform.name} go round in a circle")


def _slices(calls: list[tuple[str, Call]], level_of: Mapping[str, int], column: Mapping[str, int]) -> Iterator[Level]:
    first = 0
    for level in range(max(level_of.values()) + 1):
        last = first + sum(1 for caller, _ in calls if level_of[caller] == level)
        members = [column[name] for name in column if level_of[name] == level]
        yield Level(np.array(members, dtype=np.int64), slice(first, last))
        first = last


_NEUTRAL: Mapping[str, float] = {
    "own": 0.0,
    "cpu": 0.0,
    "workers": ENDLESS,
    "queue": 0.0,
    "cores": ENDLESS,
    "request": 1.0,
    "errors": 0.0,
    "rate_limit": ENDLESS,
    "reads": 0.0,
    "hit": 0.0,
    "writes": 0.0,
    "iops": ENDLESS,
    "storage": ENDLESS * 1e9,
    "replicas": 1.0,
}


def _traits(station: Station) -> dict[str, float]:
    if isinstance(station, Service):
        own = _of_service(station)
    elif isinstance(station, Database):
        own = _of_database(station)
    elif isinstance(station, Cache):
        own = {"own": station.own_seconds, "cpu": station.cpu_seconds, "cores": 1.0, "hit": station.hit_ratio}
    else:
        own = _of_external(station)
    return {name: float(own.get(name, neutral)) for name, neutral in _NEUTRAL.items()}


def _of_service(service: Service) -> dict[str, float]:
    return {
        "own": service.own_seconds,
        "cpu": service.cpu_seconds,
        "workers": float(service.workers),
        "queue": float(service.queue),
        "cores": service.cpu_limit,
        "request": service.cpu_request,
        "errors": service.error_ratio,
        "rate_limit": service.rate_limit or ENDLESS,
        "storage": service.volume_bytes or _NEUTRAL["storage"],
        "replicas": float(service.replicas),
    }


def _of_database(database: Database) -> dict[str, float]:
    return {
        "own": database.own_seconds,
        "cpu": database.cpu_seconds,
        "workers": float(database.sessions),
        "queue": float(database.connections - database.sessions),
        "cores": float(database.cores),
        "errors": 0.00002,
        "reads": database.reads,
        "hit": database.hit_ratio,
        "writes": database.writes,
        "iops": database.iops,
        "storage": database.storage,
    }


def _of_external(external: External) -> dict[str, float]:
    return {"own": external.own_seconds, "errors": external.error_ratio}
