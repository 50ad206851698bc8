"""One small system, written into a real Prometheus and into a lake: both sources must tell the same about it.

Two services, of one of which two pods are measured; one calls the other; a node under both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Array
from brain_lab.replay.blocks import write_blocks
from brain_lab.replay.series import PromSeries
from brain_lake.location import LakeLocation
from brain_lake.schemas import EDGES, METRICS
from brain_lake.writer import LakeWriter
from brain_rca.evidence.protocol import Window

STEP = 15.0
COUNT = 241  # an hour
CLUSTER = "lab"
NAMESPACE = "shop"
POD_A, POD_B = "cart-6d5f8c7b9d-x2x9k", "cart-6d5f8c7b9d-qq7wz"
NODE = "node-1"


@dataclass(frozen=True)
class Sample:
    """One series: what it is called in Prometheus, and whose it is in the lake."""

    signal: str
    metric: str
    labels: dict[str, str]
    entity: Entity
    values: Array


@dataclass(frozen=True)
class World:
    """The system, over a window that ends a few minutes ago."""

    window: Window
    samples: tuple[Sample, ...]
    calls: tuple[tuple[str, str], ...] = (("front", "cart"),)
    placement: tuple[tuple[str, str], ...] = ((POD_A, NODE), (POD_B, NODE))
    times: Array = field(default_factory=lambda: np.empty(0))

    def sample(self, signal: str, name: str) -> Sample:
        return next(one for one in self.samples if one.signal == signal and one.entity.name == name)


def service(name: str) -> Entity:
    return Entity(CLUSTER, NAMESPACE, EntityKind.SERVICE, name)


def pod(name: str) -> Entity:
    return Entity(CLUSTER, NAMESPACE, EntityKind.POD, name)


def make_world() -> World:
    end = float(int(time.time() - 300) // 15 * 15)
    start = end - STEP * (COUNT - 1)
    window = Window(baseline_start=start, start=start + 2400, end=end, step=STEP)
    times = start + STEP * np.arange(COUNT)
    return World(window=window, samples=tuple(_samples()), times=np.asarray(times, dtype=np.float64))


def _samples() -> list[Sample]:
    random = np.random.default_rng(7)

    def wiggle(level: float) -> Array:
        return np.asarray(np.round(level * (1 + 0.1 * random.standard_normal(COUNT)), 6), dtype=np.float64)

    samples = []
    metrics = {
        "service_request_rate": "service:requests:rate",
        "service_latency_p99": "service:request_duration_seconds:p99",
    }
    for signal, metric in metrics.items():
        for name in ("front", "cart"):
            labels = {"cluster": CLUSTER, "namespace": NAMESPACE, "service": name}
            samples.append(Sample(signal, metric, labels, service(name), wiggle(20.0)))
    errors = np.full(COUNT, np.nan)
    errors[200:] = 0.25  # published only once something failed
    labels = {"cluster": CLUSTER, "namespace": NAMESPACE, "service": "cart"}
    samples.append(Sample("service_error_ratio", "service:request_errors:ratio", labels, service("cart"), errors))
    for name in (POD_A, POD_B):
        labels = {"cluster": CLUSTER, "namespace": NAMESPACE, "pod": name, "container": "app"}
        values = wiggle(1e8)
        if name == POD_B:
            values[:100] = np.nan  # began later
        samples.append(
            Sample("container_memory_working_set", "container_memory_working_set_bytes", labels, pod(name), values)
        )
    return samples


def into_prometheus(world: World, tsdb: Path) -> None:
    """Blocks for a Prometheus that has not started yet."""
    series = [PromSeries(one.metric, False, one.labels, one.values) for one in world.samples]
    growing = np.arange(COUNT, dtype=np.float64) * 10
    for client, server in world.calls:
        labels = {"cluster": CLUSTER, "client": client, "server": server}
        series.append(PromSeries("traces_service_graph_request_total", True, labels, growing))
    for name, node in world.placement:
        labels = {"cluster": CLUSTER, "namespace": NAMESPACE, "pod": name, "node": node}
        series.append(PromSeries("kube_pod_info", False, labels, np.ones(COUNT)))
    tsdb.mkdir(parents=True, exist_ok=True)
    write_blocks(sorted(series, key=lambda one: one.metric), world.times, tsdb, lambda done, of: None)


def into_lake(world: World, root: Path) -> None:
    rows = [
        (_moment(at), *_columns(one.entity), one.signal, float(value))
        for one in world.samples
        for at, value in zip(world.times, one.values, strict=True)
        if np.isfinite(value)
    ]
    names = ("timestamp", "cluster", "namespace", "kind", "name", "signal", "value")
    LakeWriter(LakeLocation.local(root)).append(METRICS, _table(names, rows))
    edges = [(service(one), service(other), "calls") for one, other in world.calls]
    edges += [(pod(name), Entity(CLUSTER, "", EntityKind.NODE, node), "runs-on") for name, node in world.placement]
    seen = [(_moment(world.window.end), CLUSTER, str(one), str(other), kind) for one, other, kind in edges]
    LakeWriter(LakeLocation.local(root)).append(
        EDGES, _table(("timestamp", "cluster", "dependent", "dependency", "edge_kind"), seen)
    )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _columns(entity: Entity) -> tuple[str, str, str, str]:
    return entity.cluster, entity.namespace, entity.kind.value, entity.name


def _table(
    names: tuple[str, ...], rows: list[tuple[object, ...]] | list[tuple[datetime, str, str, str, str]]
) -> pa.Table:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return pa.table({name: list(column) for name, column in columns.items()})
