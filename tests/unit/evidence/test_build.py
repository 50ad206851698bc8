"""From settings to the source of evidence, and to the queries that are shown beside findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_engine.series import Evidence
from brain_rca.evidence.build import build_evidence, build_queries
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.scope.identity import Identity

pytestmark = pytest.mark.anyio
SERVER = {"prometheus": {"url": "http://localhost:9090"}}


def settings(**given: Any) -> EvidenceSettings:
    return check_settings(given, EvidenceSettings, "rca.yaml: evidence")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    entity = {"kind": "service", "name": ["service"]}
    query = "max by (service) (\n  rate(jobs_total[$window])\n)"
    signal = {"family": "load", "unit": "1", "direction": "up", "query": query, "entity": entity}
    path.write_text(yaml.safe_dump({"signals": {"queue_depth": signal}}))
    return path


@pytest.mark.parametrize("given", [SERVER, {"lake": {"path": "lake"}}], ids=["prometheus", "lake"])
async def test_either_source_also_looks_at_the_past(given: dict[str, Any]) -> None:
    source = build_evidence(settings(**given), "lab", {})
    assert isinstance(source, WithPast)
    await source.aclose()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give prometheus (a server), lake (a folder or a bucket), or both"),
        ({"prometheus": {"url": "localhost:9090"}}, "prometheus.url: "),
        ({"prometheus": {}}, "prometheus.url: Field required"),
        ({"lake": {}}, "lake: give either path (a folder) or s3 (a bucket)"),
        ({**SERVER, "deadline_seconds": 0}, "deadline_seconds: "),
        ({**SERVER, "deadline": 5}, "deadline: unknown key"),
        ({**SERVER, "loki": {}}, "loki.url: Field required"),
        ({**SERVER, "loki": {"url": "http://loki", "most_lines": 1}}, "loki.most_lines: "),
        ({**SERVER, "elasticsearch": {"url": "http://es", "index": "a/_doc?x"}}, "elasticsearch.index: "),
    ],
)
async def test_a_wrong_source_is_told_by_its_key(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**given)
    assert str(caught.value).startswith("rca.yaml: evidence: ")
    assert message in str(caught.value)


async def test_traces_are_read_from_wherever_there_are_any() -> None:
    jaeger, tempo = {"url": "http://localhost:16686"}, {"url": "http://localhost:3200"}
    source = build_evidence(settings(**SERVER, jaeger=jaeger, tempo=tempo, lake={"path": "lake"}), "lab", {})
    window = Window(1e9, 1e9 + 600, 1e9 + 1200, 15.0)
    found = await source.detail(window, Gathered(Evidence(np.empty(0), 0.0, ()), Identity(())), frozenset())
    assert found.missing == ()  # nothing deviates, nothing is asked
    await source.aclose()


async def test_a_wrong_file_of_edges_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        build_evidence(settings(**SERVER, declared_edges=[str(tmp_path / "gone.yaml")]), "lab", {})


@pytest.mark.parametrize("build", [lambda given: build_evidence(given, "", {}), build_queries])
async def test_a_wrong_catalogue_stops_the_start(build: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        build(settings(**SERVER, catalogues=[str(tmp_path / "gone.yaml")]))


async def test_a_query_is_shown_on_one_line_with_a_range_of_its_own(own: Path) -> None:
    query_of = build_queries(settings(**SERVER, catalogues=[str(own)]))
    assert query_of("queue_depth") == "max by (service) ( rate(jobs_total[2m]) )"
    assert "$window" not in query_of("service_latency_p99")
    assert query_of("nobody knows") == ""


async def test_of_a_lake_there_is_no_query_to_show() -> None:
    assert build_queries(settings(lake={"path": "lake"}))("service_latency_p99") == ""


async def test_logs_are_read_wherever_they_are_configured() -> None:
    servers = {"loki": {"url": "http://loki:3100"}, "elasticsearch": {"url": "http://es:9200"}}
    source = build_evidence(settings(**SERVER, **servers), "lab", {})
    await source.aclose()


def test_a_miner_that_is_not_there_is_told_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"evidence\.miner: 'nobody' is not among .*drain"):
        build_evidence(settings(**SERVER, miner="nobody"), "lab", {})
