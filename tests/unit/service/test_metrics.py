"""The service's own series, as Prometheus reads them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from brain_common.entity import Entity, EntityKind
from brain_rca.metrics import Metrics
from brain_rca.model import Analysis, Cause, Finding, Incident, IncidentStatus
from tests.unit.analysis.samples import CART, FRONT, NOW, incident

HOSTILE = 'a"b\\c\nd{e="f"} /%é\x1b'


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def finding(entity: str = CART, signal: str = "cpu", score: float = 0.9) -> Finding:
    return Finding(entity=entity, signal=signal, score=score, onset=None, direction="up", sentence="")


def cause(*findings: Finding, entity: str = CART, probability: float = 0.8, kind: str = "cpu") -> Cause:
    return Cause(rank=1, entity=entity, fault_kind=kind, probability=probability, findings=findings)


def judged(*causes: Cause, **changes: Any) -> Incident:
    analysis = Analysis(finished_at=NOW, window_start=NOW, window_end=NOW, alerting=(), causes=causes)
    return incident(analysis=analysis, **changes)


def shown(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Values of a series by the values of its labels, in the order of their names, as a scrape reads them."""
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(sample.labels[key] for key in sorted(sample.labels)): sample.value for sample in samples}


def test_a_fresh_service_shows_its_version_and_zeros(metrics: Metrics) -> None:
    assert shown(metrics, "brain_rca_build_info") == {(version("ai-devops-brain"),): 1}
    assert shown(metrics, "brain_rca_open_incidents") == {(): 0}
    assert shown(metrics, "brain_anomaly_score") == {}


def test_what_happens_is_counted(metrics: Metrics) -> None:
    metrics.received("opened")
    metrics.received("opened")
    metrics.analysed("cause", 0.3, 2)
    metrics.analysed("no_cause", 70.0, 0)
    metrics.analysis_failed()
    metrics.publish("grafana", ok=True)
    metrics.publish("grafana", ok=False)
    assert shown(metrics, "brain_rca_groups_received_total")[("opened",)] == 2
    assert shown(metrics, "brain_rca_analyses_total") == {("cause",): 1, ("no_cause",): 1, ("failed",): 1}
    assert shown(metrics, "brain_rca_evidence_failures_total") == {(): 2}
    assert shown(metrics, "brain_rca_analysis_duration_seconds_bucket")[("0.5",)] == 1
    assert shown(metrics, "brain_rca_analysis_duration_seconds_sum") == {(): 70.3}
    assert shown(metrics, "brain_rca_publish_total") == {("grafana",): 1}
    assert shown(metrics, "brain_rca_publish_failures_total") == {("grafana",): 1}


def test_counters_begin_at_zero_so_that_the_first_step_is_an_increase(metrics: Metrics) -> None:
    metrics.expect(["grafana", "webhook:a"])
    outcomes = ["opened", "joined", "duplicate", "closed", "ignored", "refused", "unauthorized", "busy"]
    assert shown(metrics, "brain_rca_groups_received_total") == {(outcome,): 0 for outcome in outcomes}
    assert shown(metrics, "brain_rca_analyses_total") == {("cause",): 0, ("no_cause",): 0, ("failed",): 0}
    sinks = {("grafana",): 0, ("webhook:a",): 0}
    assert shown(metrics, "brain_rca_publish_total") == shown(metrics, "brain_rca_publish_failures_total") == sinks


def test_a_queue_that_has_drained_is_shown_as_empty(metrics: Metrics) -> None:
    metrics.queues({"analyses": 3, "grafana": 5}, 7, 12.5)
    assert shown(metrics, "brain_rca_queue_depth") == {("analyses",): 3, ("grafana",): 5}
    assert shown(metrics, "brain_rca_open_incidents") == {(): 7}
    assert shown(metrics, "brain_rca_oldest_due_seconds") == {(): 12.5}
    metrics.queues({"analyses": 0}, 0, 0.0)
    assert shown(metrics, "brain_rca_queue_depth") == {("analyses",): 0, ("grafana",): 0}


def test_an_open_incident_shows_its_scores_until_it_closes(metrics: Metrics) -> None:
    opened = judged(cause(finding(), finding(FRONT, "latency", 0.4)))
    metrics.scores.update(opened)
    assert shown(metrics, "brain_anomaly_score") == {
        ("lab", "service", "cart", "shop", "cpu"): 0.9,
        ("lab", "service", "front", "shop", "latency"): 0.4,
    }
    assert shown(metrics, "brain_rca_cause_probability") == {
        ("lab", "cpu", "aabbccddeeff", "service", "cart", "shop"): 0.8
    }
    metrics.scores.update(replace(opened, status=IncidentStatus.RESOLVED))
    assert shown(metrics, "brain_anomaly_score") == shown(metrics, "brain_rca_cause_probability") == {}


def test_a_new_judgement_replaces_the_old_one(metrics: Metrics) -> None:
    metrics.scores.update(judged(cause(finding())))
    metrics.scores.update(judged(cause(finding(FRONT), entity=FRONT)))
    assert [labels[2] for labels in shown(metrics, "brain_anomaly_score")] == ["front"]


def test_an_incident_without_judgement_shows_nothing(metrics: Metrics) -> None:
    metrics.scores.update(incident())
    metrics.scores.update(judged())
    assert shown(metrics, "brain_anomaly_score") == {}


def test_of_two_incidents_about_one_thing_the_higher_score_is_shown(metrics: Metrics) -> None:
    metrics.scores.update(judged(cause(finding(score=0.5)), id="a", group_hash="a"))
    metrics.scores.update(judged(cause(finding(score=0.7)), id="b", group_hash="b"))
    metrics.scores.update(judged(cause(finding(score=0.6)), id="c", group_hash="c"))
    assert list(shown(metrics, "brain_anomaly_score").values()) == [0.7]
    assert len(shown(metrics, "brain_rca_cause_probability")) == 3


def test_a_hostile_name_stays_the_value_of_a_label(metrics: Metrics) -> None:
    entity = str(Entity(HOSTILE, HOSTILE, EntityKind.SERVICE, HOSTILE))
    metrics.scores.update(judged(cause(finding(entity), entity=entity)))
    [labels] = shown(metrics, "brain_anomaly_score")
    assert labels == (HOSTILE, "service", HOSTILE, HOSTILE, "cpu")
