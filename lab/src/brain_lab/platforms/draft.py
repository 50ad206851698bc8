"""Turns a sketch (who calls whom how often, how fast, at what load) into a platform that carries the load.

Replicas, requests, limits, worker slots, pools, timeouts, databases and nodes are sized from the load, as a team
would have sized them over time, so that the builders of platforms only say what is particular to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from brain_lab.platforms.model import (
    Cache,
    Call,
    Curve,
    Database,
    Entry,
    External,
    Fleet,
    Node,
    Platform,
    Role,
    Scaler,
    Service,
    Slo,
    Station,
    Topic,
)
from brain_lab.platforms.traffic import AWAITED, latencies, missing, spread
from brain_lab.simulate.queueing import quantile_of_mean

BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds; buckets of latency histograms: OpenTelemetry's for HTTP without those that are close together."""

PEAK: Final = {Curve.OFFICE: 1.4, Curve.EVENING: 1.45, Curve.FLAT: 1.0, Curve.BATCH: 1.0}
"""Highest load over the mean of each curve."""

_SLOTS_USED: Final = 0.35
_REQUEST_USED: Final = 0.55
_POOL_USED: Final = 0.3
_DATABASE_USED: Final = 0.35
_MOST_CORES: Final = 2.0
"""Request of one replica; more load gets more replicas."""

_RESILIENT: Final = ("java", "nodejs")
"""Languages whose services here call through a library that retries once and breaks the circuit."""

_MEMORY: Final = {"java": 5.5e8, "dotnet": 3.5e8, "nodejs": 1.8e8, "python": 2.2e8, "go": 0.9e8}


@dataclass
class Draft:
    """Collects the sketch; ``finished`` sizes it.

    Attributes:
        name: Of the platform.
        cluster: Of the EKS cluster.
        seed: Varies speeds by some percent.
        node: (pool, instance type, cores, bytes) of ordinary nodes.
        least_replicas: Of every service.
    """

    name: str
    cluster: str
    seed: int
    node: tuple[str, str, int, float] = ("general", "m6i.2xlarge", 8, 32e9)
    least_replicas: int = 1
    stations: dict[str, Station] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    promises: list[tuple[str, float, float]] = field(default_factory=list)
    freshness: list[tuple[str, float]] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    gpu_nodes: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, 11])

    def service(self, name: str, namespace: str, own_ms: float, cpu_ms: float, calls: str = "", **more: Any) -> None:  # noqa: ANN401 - fields of the dataclass
        """Add a service.

        Args:
            name: Its name.
            namespace: Of Kubernetes.
            own_ms: Milliseconds of a request in it without CPU and callees.
            cpu_ms: Milliseconds of CPU.
            calls: ``"callee*calls callee?calls"`` separated by blanks; ``?`` for a call that has a fallback, ``<`` for
                waiting for a consumer of a topic, ``@cache`` behind the callee's name for a cache that is asked before.
            **more: Fields of ``Service``.
        """
        vary = self._rng.uniform(0.9, 1.1, 2)
        self.stations[name] = Service(
            name,
            namespace,
            own_seconds=own_ms / 1000.0 * vary[0],
            cpu_seconds=cpu_ms / 1000.0 * vary[1],
            calls=tuple(_call(word) for word in calls.split()),
            **more,
        )

    def database(self, name: str, namespace: str, **more: Any) -> None:  # noqa: ANN401 - fields of the dataclass
        """Add a database; its size is found."""
        self.stations[name] = Database(name, namespace, **more)

    def cache(self, name: str, namespace: str, **more: Any) -> None:  # noqa: ANN401 - fields of the dataclass
        """Add a cache."""
        self.stations[name] = Cache(name, namespace, **more)

    def external(self, name: str, ms: float, **more: Any) -> None:  # noqa: ANN401 - fields of the dataclass
        """Add somebody else's API."""
        self.stations[name] = External(name, ms / 1000.0, **more)

    def topic(self, name: str, namespace: str, partitions: int = 12) -> None:
        """Add a topic."""
        self.topics[name] = Topic(name, namespace, partitions)

    def entry(self, to: str, rate: float, curve: Curve = Curve.OFFICE, **more: Any) -> None:  # noqa: ANN401 - fields of the dataclass
        """Let load come in."""
        self.entries.append(Entry(to, rate, curve, **more))

    def promise(self, service: str, error_ratio: float = 0.01, stretch: float = 1.6) -> None:
        """Promise that a service stays below ``stretch`` times its usual 95th percentile, and its share of failures."""
        self.promises.append((service, error_ratio, stretch))

    def promise_freshness(self, consumer: str, seconds: float) -> None:
        """Promise that a message waits no longer for its consumer."""
        self.freshness.append((consumer, seconds))

    def finished(self) -> Platform:
        """The platform, sized for the peak of its day."""
        rates = self._rates()
        latency = latencies(self.stations)
        sized = {name: self._sized(station, rates[name], latency) for name, station in self.stations.items()}
        stations = sized.values()
        services = tuple(one for one in stations if isinstance(one, Service))
        return Platform(
            name=self.name,
            cluster=self.cluster,
            services=services,
            databases=tuple(one for one in stations if isinstance(one, Database)),
            caches=tuple(one for one in stations if isinstance(one, Cache)),
            externals=tuple(one for one in stations if isinstance(one, External)),
            topics=tuple(self.topics.values()),
            nodes=tuple(self._nodes(services)),
            entries=tuple(self.entries),
            slos=tuple(self._slos(latency)),
            fleets=tuple(self.fleets),
        )

    def _rates(self) -> Mapping[str, float]:
        """Requests/s of each station at the peak."""
        outside: dict[str, float] = {}
        for entry in self.entries:
            outside[entry.to] = outside.get(entry.to, 0.0) + entry.rate * PEAK[entry.curve]
        return spread(self.stations, outside)

    def _sized(self, station: Station, rate: float, latency: Mapping[str, float]) -> Station:
        if isinstance(station, Service):
            return self._sized_service(station, rate, latency)
        if isinstance(station, Database):
            return _sized_database(station, rate, latency[station.name])
        return station

    def _sized_service(self, service: Service, rate: float, latency: Mapping[str, float]) -> Service:
        cores = max(rate * service.cpu_seconds / _REQUEST_USED, 0.05)
        least = max(self.least_replicas, service.replicas, service.scaler.minimum if service.scaler else 1)
        replicas = max(math.ceil(cores / _MOST_CORES), least)
        request = max(cores / replicas, 0.05)
        slots = max(math.ceil(rate * latency[service.name] / replicas / _SLOTS_USED), 4)
        if service.role is Role.CONSUMER:
            slots = max(math.ceil(rate * latency[service.name] / replicas / 0.45), 1)
        base = _MEMORY.get(service.language, 2e8) * self._rng.uniform(0.85, 1.2)
        calls = tuple(
            self._sized_call(call, rate / replicas, latency, service.language in _RESILIENT) for call in service.calls
        )
        scaler = service.scaler and replace(
            service.scaler, minimum=replicas, maximum=max(service.scaler.maximum, replicas * 2)
        )
        return replace(
            service,
            replicas=replicas,
            cpu_request=round(request, 3),
            cpu_limit=round(request * 1.8, 3),
            workers=slots,
            queue=max(4 * slots, 50),
            memory_base=base,
            memory_request=base * 1.5,
            memory_limit=base * 2.0 + 6e7,
            memory_per_request=base * 0.6 / (slots + max(4 * slots, 50)),
            calls=calls,
            scaler=scaler,
            start_seconds=service.start_seconds * (1.8 if service.language == "java" else 1.0),
        )

    def _sized_call(self, call: Call, rate: float, latency: Mapping[str, float], resilient: bool) -> Call:
        target = self.stations[call.to]
        seconds = AWAITED if call.awaits else latency[call.to]
        timeout = max(0.5, _nice(25.0 * seconds))
        pool = 0
        if isinstance(target, Database):
            pool = max(math.ceil(rate * call.calls * missing(self.stations, call) * seconds / _POOL_USED), 5)
        if call.awaits:
            return replace(call, timeout=max(timeout, 5.0))
        retries = 1 if resilient and call.critical == 1.0 and isinstance(target, Service | External) else 0
        return replace(call, timeout=timeout, pool=pool, retries=retries, breaker=0.6 if retries else 0.0)

    def _slos(self, latency: Mapping[str, float]) -> list[Slo]:
        strict = [
            Slo(name, latency=_boundary(stretch * quantile_of_mean(0.95) * latency[name]), error_ratio=ratio)
            for name, ratio, stretch in self.promises
        ]
        return strict + [Slo(name, lag_seconds=seconds, severity="warning") for name, seconds in self.freshness]

    def _nodes(self, services: Sequence[Service]) -> list[Node]:
        pool, kind, cores, memory = self.node
        wanted = sum(service.cpu_request * service.replicas for service in services if not service.gpus)
        bytes_wanted = sum(service.memory_request * service.replicas for service in services if not service.gpus)
        count = max(math.ceil(wanted / (0.62 * cores)), math.ceil(bytes_wanted / (0.6 * memory)), 3)
        spare = max(count // 4, 2)
        nodes = [
            Node(_node_name(self.name, n), pool, kind, f"eu-central-1{'abc'[n % 3]}", cores, memory, spare=n >= count)
            for n in range(count + spare)
        ]
        return nodes + [
            Node(
                _node_name(self.name, 900 + n),
                "gpu",
                "g5.12xlarge",
                f"eu-central-1{'ab'[n % 2]}",
                48,
                192e9,
                400e9,
                4,
                n >= self.gpu_nodes,
            )
            for n in range(self.gpu_nodes + (1 if self.gpu_nodes else 0))
        ]


def _call(word: str) -> Call:
    """Read one ``callee*calls``."""
    for mark in "*?<":
        if mark in word:
            name, _, calls = word.partition(mark)
            target, _, cache = name.partition("@")
            critical = 0.05 if mark == "?" else 1.0
            return Call(target, float(calls), critical=critical, behind=cache, awaits=mark == "<")
    target, _, cache = word.partition("@")
    return Call(target, behind=cache)


def _sized_database(database: Database, rate: float, seconds: float) -> Database:
    cores = 2 ** math.ceil(math.log2(max(rate * database.cpu_seconds / _DATABASE_USED, 2.0)))
    disk = rate * (database.reads * (1.0 - database.hit_ratio) + database.writes)
    sessions = max(math.ceil(rate * seconds / _DATABASE_USED), 16)
    sizes = {2: "large", 4: "xlarge", 8: "2xlarge", 16: "4xlarge", 32: "8xlarge", 64: "16xlarge"}
    return replace(
        database,
        cores=cores,
        memory=cores * 8e9,
        sessions=sessions,
        connections=sessions * 4 + 100,
        iops=max(3000.0, _nice(disk / _DATABASE_USED)),
        instance_class=f"db.r6g.{sizes.get(cores, '16xlarge')}",
    )


def _nice(value: float) -> float:
    """The next larger number of the form 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value * 0.999)


def _boundary(seconds: float) -> float:
    return next((edge for edge in BOUNDARIES if edge >= seconds), BOUNDARIES[-1])


def _node_name(platform: str, number: int) -> str:
    third, fourth = 16 + (number * 37 + len(platform) * 11) % 47, 4 + (number * 53 + len(platform) * 7) % 247
    return f"ip-10-{40 + len(platform)}-{third}-{fourth}.eu-central-1.compute.internal"


HPA: Final = Scaler("hpa", 0.75, 1, 6)
"""The usual one."""
