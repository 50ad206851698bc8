"""The service's own metrics and the anomaly scores of open incidents, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from brain_common.entity import Entity
from brain_rca.model import Incident, IncidentStatus
from brain_rca.store.protocol import Outcome

_ENTITY_LABELS = ("cluster", "namespace", "kind", "name")
_REFUSALS = ("refused", "unauthorized", "busy")  # outcomes of what never came to the store
_RESULTS = ("cause", "no_cause", "failed")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """All series the service publishes about itself.

    Counters begin at 0 with every value of their label: of a series that appears at 1, ``increase()`` misses the first.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._received = Counter(
            "brain_rca_groups_received",
            "Notifications by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._analyses = Counter(
            "brain_rca_analyses",
            "Judgements by result: cause, no_cause, failed.",
            ["result"],
            registry=registry,
        )
        self._duration = Histogram(
            "brain_rca_analysis_duration_seconds",
            "Wall-clock time of a judgement.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._published = Counter("brain_rca_publish", "Successful publications by sink.", ["sink"], registry=registry)
        self._publish_failures = Counter(
            "brain_rca_publish_failures", "Failed attempts to publish by sink.", ["sink"], registry=registry
        )
        self._evidence_failures = Counter(
            "brain_rca_evidence_failures",
            "Evidence that could not be fetched: sentences counted.",
            registry=registry,
        )
        self._queues: set[str] = set()
        self._depth = Gauge("brain_rca_queue_depth", "Work that is due or under way.", ["queue"], registry=registry)
        self._oldest = Gauge(
            "brain_rca_oldest_due_seconds", "How long the oldest due judgement has waited.", registry=registry
        )
        self._open = Gauge("brain_rca_open_incidents", "Incidents that are open.", registry=registry)
        build = Gauge("brain_rca_build_info", "Version of the service; always 1.", ["version"], registry=registry)
        build.labels(version("ai-devops-brain")).set(1)
        self.scores = OpenIncidentScores()
        registry.register(self.scores)
        for outcome in (*Outcome, *_REFUSALS):
            self._received.labels(str(outcome))
        for result in _RESULTS:
            self._analyses.labels(result)

    def expect(self, sinks: Iterable[str]) -> None:
        """Show the counters of these sinks before the first attempt."""
        for sink in sinks:
            self._published.labels(sink)
            self._publish_failures.labels(sink)

    def received(self, outcome: str) -> None:
        """Count a notification."""
        self._received.labels(str(outcome)).inc()

    def analysed(self, result: str, seconds: float, missing: int) -> None:
        """Count a judgement that ended."""
        self._analyses.labels(result).inc()
        self._duration.observe(seconds)
        self._evidence_failures.inc(missing)

    def analysis_failed(self) -> None:
        """Count a judgement that could not be made."""
        self._analyses.labels("failed").inc()

    def publish(self, sink: str, *, ok: bool) -> None:
        """Count an attempt to publish."""
        (self._published if ok else self._publish_failures).labels(sink).inc()

    def queues(self, depths: dict[str, int], open_incidents: int, oldest_seconds: float) -> None:
        """Set the depth of the queues; one that was there before and is not in ``depths`` is empty."""
        self._queues |= depths.keys()
        for queue in self._queues:
            self._depth.labels(queue).set(depths.get(queue, 0))
        self._open.set(open_incidents)
        self._oldest.set(oldest_seconds)


class OpenIncidentScores(Collector):
    """``brain_anomaly_score`` and ``brain_rca_cause_probability`` of open incidents; gone when they close."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}

    def update(self, incident: Incident) -> None:
        """Take over the latest state of an incident."""
        if incident.status is IncidentStatus.OPEN and incident.analysis is not None:
            self._incidents[incident.id] = incident
        else:
            self._incidents.pop(incident.id, None)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield self._scores()
        yield self._probabilities()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        scores, probabilities = self._scores(), self._probabilities()
        highest: dict[tuple[str, str, str, str, str], float] = {}
        for incident in list(self._incidents.values()):
            for cause in incident.analysis.causes if incident.analysis else ():
                labels = _labels(cause.entity)
                probabilities.add_metric([incident.group_hash, *labels, cause.fault_kind], cause.probability)
                for finding in cause.findings:
                    key = (*_labels(finding.entity), finding.signal)
                    highest[key] = max(highest.get(key, 0.0), finding.score)
        for key, score in highest.items():
            scores.add_metric(list(key), score)
        yield scores
        yield probabilities

    def _scores(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "brain_anomaly_score",
            "How unusual a signal of an entity of an open incident is, in [0, 1].",
            labels=[*_ENTITY_LABELS, "signal"],
        )

    def _probabilities(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "brain_rca_cause_probability",
            "Probability that an entity is the cause of an open incident, in [0, 1].",
            labels=["group", *_ENTITY_LABELS, "fault_kind"],
        )


def _labels(entity: str) -> tuple[str, str, str, str]:
    parsed = Entity.parse(entity)
    return parsed.cluster, parsed.namespace, parsed.kind.value, parsed.name
