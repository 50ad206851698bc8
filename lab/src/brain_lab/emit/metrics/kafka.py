"""kafka_exporter: offsets and lag of each partition; and KEDA's view of the same lag."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array

_TARGET = "kafka-exporter"


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Offsets, lag, and what KEDA's scalers read."""
    recording = scrape.recording
    partitions = {topic.name: topic.partitions for topic in recording.platform.topics}
    groups = list(recording.groups)
    if not groups:
        return
    coming, lag = recording.topics["coming"].astype(np.float64), recording.topics["lag"].astype(np.float64)
    topics = {topic: n for n, (topic, _) in reversed(list(enumerate(groups)))}
    offsets = scrape.counter("offsets", coming)
    for topic, group in sorted(topics.items()):
        labels = [{"topic": topic, "partition": str(n)} for n in range(partitions[topic])]
        values = _split(scrape, topic, offsets[:, group], partitions[topic])
        yield from _write(scrape, "kafka_topic_partition_current_offset", values, labels)
    waiting = lag + coming * 0.15 * scrape.rng("kafka polling").uniform(0.2, 1.8, coming.shape)
    for group, (topic, consumer) in enumerate(groups):
        labels = [{"consumergroup": consumer, "topic": topic, "partition": str(n)} for n in range(partitions[topic])]
        values = _split(scrape, consumer, waiting[scrape.rows, group], partitions[topic])
        yield from _write(scrape, "kafka_consumergroup_lag", values, labels)
    yield from _keda(scrape, waiting)


def _split(scrape: Scrape, concern: str, values: Array, partitions: int) -> Array:
    """[R, partitions] whole numbers; keys are not spread evenly."""
    shares = scrape.rng(f"partitions {concern}").dirichlet(np.full(partitions, 40.0))
    return np.floor(values[:, None] * shares)


def _keda(scrape: Scrape, waiting: Array) -> Iterator[PromSeries]:
    recording = scrape.recording
    scaled = []
    for group, (topic, consumer) in enumerate(recording.groups):
        service = recording.platform.service(consumer)
        if service.scaler and service.scaler.kind == "keda":
            own = {"namespace": service.namespace, "scaledObject": consumer, "scaler": "apache-kafka"}
            scaled.append((group, {**own, "metric": f"s0-kafka-{topic}"}))
    if not scaled:
        return
    columns = [group for group, _ in scaled]
    labels = [named for _, named in scaled]
    values = np.floor(scrape.gauge(waiting[:, columns]))
    yield from scrape.series("keda_scaler_metrics_value", values, labels, targets=["keda"] * len(labels))
    active = (values > 0.0).astype(np.float64)
    yield from scrape.series("keda_scaler_active", active, labels, targets=["keda"] * len(labels))


def _write(scrape: Scrape, metric: str, values: Array, labels: list[dict[str, str]]) -> Iterator[PromSeries]:
    yield from scrape.series(metric, values, labels, targets=[_TARGET] * len(labels))
