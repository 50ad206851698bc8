"""The bench's stand-in against a real Prometheus: the same causes in the same order, with the same probabilities."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from brain_cli.recorded import SCRAPE_SECONDS, ProductJudge
from brain_lab.bench.rca import NOW, question
from brain_lab.recorded import list_cases, load_case
from brain_lab.replay import replay
from brain_lab.replay.timeline import lay_out, plan_for
from brain_rca.model import Incident
from brain_rca.one_shot import analyze_once
from tests.servers.fixtures import PrometheusFactory
from tests.servers.provide import require
from tests.unit.lab import folders

CASES = (
    ("petshop", "low_traffic/test/issue_2"),
    ("petshop", "low_traffic/train/issue_3"),
    ("rcd", "carts-cpu/1"),
    ("rcaeval4", "online-boutique/adservice_cpu_1"),
    ("nezha", "2022-08-22/06:35:39"),
)


def essence(incident: Incident) -> list[tuple[str, str, object]]:
    assert incident.analysis is not None
    return [
        (cause.entity, cause.fault_kind, pytest.approx(cause.probability, abs=1e-3))
        for cause in incident.analysis.causes
    ]


@pytest.mark.parametrize(("dataset", "case_id"), CASES, ids=["-".join(case).replace("/", "-") for case in CASES])
def test_the_stand_in_gives_the_causes_that_the_real_server_gives(
    tmp_path: Path,
    prometheus: PrometheusFactory,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    case_id: str,
) -> None:
    root = folders.SHARED / folders.FOLDERS[dataset]
    if not root.is_dir():
        pytest.skip(f"needs the public data set in {root}")
    if case_id not in list_cases(dataset, root):
        pytest.skip(f"the data set in {root} is another part of it")
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))
    case = load_case(dataset, root, case_id)
    asked = question(case)
    assert asked is not None
    fast = asyncio.run(ProductJudge("explain-away").incident(asked))

    replay(case, tmp_path / "prometheus" / "tsdb", NOW)
    server = prometheus(data_dir=tmp_path / "prometheus")
    scrape = max(lay_out(case, NOW, plan_for(case.step)).scrape_seconds, SCRAPE_SECONDS)
    config = tmp_path / "rca.yaml"
    config.write_text(yaml.safe_dump({"analysis": {"window": {"scrape_interval_seconds": scrape}}}))
    slow = asyncio.run(analyze_once(json.dumps(asked.payload).encode(), server.url, config, NOW))

    assert fast.analysis is not None
    assert slow.analysis is not None
    assert [text for text in slow.analysis.missing if not text.startswith("no call graph is known")] == []
    assert slow.analysis.causes
    assert essence(fast) == essence(slow)
    assert fast.analysis.alerting == slow.analysis.alerting
