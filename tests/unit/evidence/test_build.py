"""From settings to the source of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_engine.series import Evidence
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.scope.identity import Identity

pytestmark = pytest.mark.anyio
SERVER = {"prometheus": {"url": "http://localhost:9090"}}


def settings(**given: Any) -> EvidenceSettings:
    return check_settings(given, EvidenceSettings, "rca.yaml: evidence")


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


async def test_a_wrong_catalogue_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        build_evidence(settings(**SERVER, catalogues=[str(tmp_path / "gone.yaml")]), "", {})


async def test_logs_are_read_wherever_they_are_configured() -> None:
    servers = {"loki": {"url": "http://loki:3100"}, "elasticsearch": {"url": "http://es:9200"}}
    source = build_evidence(settings(**SERVER, **servers), "lab", {})
    await source.aclose()


def test_a_miner_that_is_not_there_is_told_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"evidence\.miner: 'nobody' is not among .*drain"):
        build_evidence(settings(**SERVER, miner="nobody"), "lab", {})
