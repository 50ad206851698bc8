"""What a platform is made of: frozen data that the simulator plays and the writers of signals name things by.

Numbers are those of usual load. Seconds, cores, bytes, requests/s throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from brain_common.entity import Entity, EntityKind


class Role(StrEnum):
    """What a station of the network is; decides which exporters see it."""

    HTTP = "http"  # serves HTTP in the cluster
    CONSUMER = "consumer"  # works off a topic
    JOB = "job"  # a batch that starts by itself and serves nobody
    DATABASE = "database"  # RDS: no pods
    CACHE = "cache"  # Redis
    EXTERNAL = "external"  # somebody else's API


class Curve(StrEnum):
    """How the load of an entry goes through the day."""

    FLAT = "flat"
    OFFICE = "office"  # highest around 11 and 15 o'clock UTC
    EVENING = "evening"  # highest around 19 o'clock UTC
    BATCH = "batch"  # on for a part of each period, off otherwise


@dataclass(frozen=True, slots=True)
class Call:
    """A dependency of a station on another one.

    Attributes:
        to: Name of the callee.
        calls: Calls per request of the caller.
        timeout: Seconds the caller waits for one attempt.
        retries: Further attempts after a failed one.
        critical: Share of the caller's requests that fail when the call does; the others have a fallback.
        pool: Connections each replica of the caller may hold to the callee; 0 for no limit.
        breaker: Failure ratio above which the caller's circuit breaker opens; 0 for none.
        behind: Name of a cache that the caller asks before; it calls only what the cache misses. Empty for none.
        awaits: The caller sends nothing here: it waits until this consumer of a topic has worked off its message.
    """

    to: str
    calls: float = 1.0
    timeout: float = 2.0
    retries: int = 0
    critical: float = 1.0
    pool: int = 0
    breaker: float = 0.0
    behind: str = ""
    awaits: bool = False


@dataclass(frozen=True, slots=True)
class Scaler:
    """What changes the number of replicas.

    Attributes:
        kind: `hpa` (CPU) or `keda` (lag of the consumed topic).
        target: Of `hpa` the share of the CPU request in use, of `keda` the messages of lag a replica.
        minimum: Replicas at least.
        maximum: Replicas at most.
    """

    kind: str
    target: float
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Service:
    """Something that runs in pods.

    Attributes:
        name: Of the Deployment, of the Kubernetes Service and OpenTelemetry's `service.name`.
        namespace: Of Kubernetes.
        role: `http`, `consumer` or `job`.
        own_seconds: Mean time of a request in the service itself without CPU: disk, locks, waiting.
        cpu_seconds: CPU of one request.
        replicas: At the start.
        workers: Requests that one replica works on at once.
        queue: Requests that may wait at one replica; more are refused.
        cpu_request: Cores.
        cpu_limit: Cores.
        memory_request: Bytes.
        memory_limit: Bytes.
        memory_base: Bytes in use of an idle replica.
        memory_per_request: Bytes for each request that is inside.
        calls: Whom a request calls, one after the other.
        produces: Topic → messages per request.
        consumes: Topic; empty for none.
        scaler: None: the number of replicas stays.
        start_seconds: From scheduled to ready.
        error_ratio: Share of requests that fail by themselves.
        rate_limit: Requests/s that the sidecars of all replicas admit together; 0 for no limit.
        language: `java`, `go`, `python`, `nodejs`, `dotnet`; decides how its memory looks.
        gpus: Of one replica.
        volume_bytes: Size of the volume of each replica; 0 for none.
    """

    name: str
    namespace: str
    role: Role = Role.HTTP
    own_seconds: float = 0.005
    cpu_seconds: float = 0.004
    replicas: int = 1
    workers: int = 32
    queue: int = 200
    cpu_request: float = 0.25
    cpu_limit: float = 0.5
    memory_request: float = 3e8
    memory_limit: float = 5e8
    memory_base: float = 2e8
    memory_per_request: float = 1.5e6
    calls: tuple[Call, ...] = ()
    produces: Mapping[str, float] = field(default_factory=dict)
    consumes: str = ""
    scaler: Scaler | None = None
    start_seconds: float = 25.0
    error_ratio: float = 0.00005
    rate_limit: float = 0.0
    language: str = "go"
    gpus: int = 0
    volume_bytes: float = 0.0

    @property
    def most_replicas(self) -> int:
        """How many replicas it can have; one more than without scaler for the pod that a rollout adds."""
        return max(self.replicas, self.scaler.maximum if self.scaler else 0) + 1


@dataclass(frozen=True, slots=True)
class Database:
    """A managed relational database (RDS).

    Attributes:
        name: Its instance identifier, and its name in traces.
        namespace: Of those that use it; databases have no pods.
        own_seconds: Mean time of a query without CPU and disk.
        cpu_seconds: CPU of a query.
        cores: vCPUs.
        connections: At most.
        sessions: Queries that make progress at once.
        reads: Page reads of a query that the buffer cache misses altogether.
        hit_ratio: Of the buffer cache.
        writes: Disk writes of a query.
        iops: The storage's limit.
        memory: Bytes of the instance.
        storage: Bytes of the volume.
        engine: `postgres` or `mysql`.
        instance_class: AWS' name.
    """

    name: str
    namespace: str
    own_seconds: float = 0.002
    cpu_seconds: float = 0.0006
    cores: int = 4
    connections: int = 800
    sessions: int = 96
    reads: float = 8.0
    hit_ratio: float = 0.985
    writes: float = 0.4
    iops: float = 6000.0
    memory: float = 32e9
    storage: float = 500e9
    engine: str = "postgres"
    instance_class: str = "db.r6g.xlarge"


@dataclass(frozen=True, slots=True)
class Cache:
    """A managed cache (ElastiCache for Redis).

    Attributes:
        name: Its name in traces.
        namespace: Of those that use it.
        own_seconds: Mean time of a command as the client sees it, network included.
        cpu_seconds: CPU of a command; Redis has one thread.
        hit_ratio: Share of reads that it can answer.
        memory: Bytes it may hold.
    """

    name: str
    namespace: str
    own_seconds: float = 0.0006
    cpu_seconds: float = 0.00002
    hit_ratio: float = 0.9
    memory: float = 6e9


@dataclass(frozen=True, slots=True)
class External:
    """Somebody else's API: a card network, a credit bureau, a map.

    Attributes:
        name: Its host name's first part, and its name in traces.
        own_seconds: Mean answer time.
        error_ratio: Share that fails on a usual day.
    """

    name: str
    own_seconds: float = 0.08
    error_ratio: float = 0.0002


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic.

    Attributes:
        name: Its name.
        namespace: Of the Kafka cluster.
        partitions: More consumers than these do nothing.
    """

    name: str
    namespace: str
    partitions: int = 12


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster.

    Attributes:
        name: As AWS names it.
        pool: Karpenter NodePool.
        instance_type: EC2's name.
        zone: Availability zone.
        cores: vCPUs.
        memory: Bytes.
        disk: Bytes of the root volume.
        gpus: How many.
        spare: It is not there at the start; Karpenter may start it.
    """

    name: str
    pool: str
    instance_type: str
    zone: str
    cores: int
    memory: float
    disk: float = 100e9
    gpus: int = 0
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Where load comes in.

    Attributes:
        to: Station that gets it.
        rate: Requests/s, mean over the day; of a batch, while it is on.
        curve: Its course.
        period: Seconds between two starts of a batch.
        share: Part of the period in which a batch is on.
    """

    to: str
    rate: float
    curve: Curve = Curve.OFFICE
    period: float = 3600.0
    share: float = 0.1


@dataclass(frozen=True, slots=True)
class Slo:
    """A promise, from which an alert rule is made.

    Attributes:
        service: Whose.
        latency: Seconds that the 95th percentile stays below; 0 for no promise.
        error_ratio: Share of failed requests at most; 0 for no promise.
        lag_seconds: Age of the oldest message of the service's consumer group at most; 0 for no promise.
        severity: Of its alerts.
    """

    service: str
    latency: float = 0.0
    error_ratio: float = 0.0
    lag_seconds: float = 0.0
    severity: str = "critical"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Devices outside of the cluster that report to it.

    Attributes:
        name: Of the kind of device.
        gateway: Service they report to.
        devices: How many.
        groups: Names that they are counted by: regions, wards, plants.
        interval: Seconds between two heartbeats of a device.
    """

    name: str
    gateway: str
    devices: int
    groups: tuple[str, ...]
    interval: float = 30.0


Station = Service | Database | Cache | External


@dataclass(frozen=True)
class Platform:
    """All of it.

    Attributes:
        name: `finance`, `healthcare`, `automotive`.
        cluster: Name of the EKS cluster; the `cluster` label of alerts.
        services: In the cluster.
        databases: Beside it.
        caches: Beside it.
        externals: Elsewhere.
        topics: Of its Kafka.
        nodes: Spare ones included.
        entries: Where load comes in.
        slos: What was promised.
        fleets: Devices.
        account: AWS account.
        region: AWS region.
    """

    name: str
    cluster: str
    services: tuple[Service, ...]
    databases: tuple[Database, ...]
    caches: tuple[Cache, ...]
    externals: tuple[External, ...]
    topics: tuple[Topic, ...]
    nodes: tuple[Node, ...]
    entries: tuple[Entry, ...]
    slos: tuple[Slo, ...]
    fleets: tuple[Fleet, ...] = ()
    account: str = "210987654321"
    region: str = "eu-central-1"

    @cached_property
    def stations(self) -> tuple[Station, ...]:
        """Everything that answers calls, services first."""
        return (*self.services, *self.databases, *self.caches, *self.externals)

    @cached_property
    def by_name(self) -> Mapping[str, Station]:
        """Stations by their names, which are unique in a platform."""
        return {station.name: station for station in self.stations}

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            KeyError: There is none.
        """
        station = self.by_name[name]
        if not isinstance(station, Service):
            raise KeyError(name)
        return station

    def entity(self, name: str) -> Entity:
        """The full name of a station, topic or node.

        Raises:
            KeyError: There is none of that name.
        """
        if name in self.by_name:
            station = self.by_name[name]
            kind = EntityKind.DATABASE if isinstance(station, Database | Cache) else EntityKind.SERVICE
            return Entity(self.cluster, getattr(station, "namespace", ""), kind, name)
        for topic in self.topics:
            if topic.name == name:
                return Entity(self.cluster, topic.namespace, EntityKind.TOPIC, name)
        if any(node.name == name for node in self.nodes):
            return Entity(self.cluster, "", EntityKind.NODE, name)
        raise KeyError(name)
