"""A platform's metrics in a real Prometheus: its rules hold there when the lab says that they do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from brain_lab.emit import alerts, metrics
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.replay.blocks import write_blocks
from brain_lab.servers.prometheus import Prometheus
from brain_lab.simulate import Recording, run
from tests.servers.provide import require

START = 1_790_000_000.0 // 7200 * 7200.0 + 600.0
"""All of it lies within one block of two hours."""

ONSET = START + 700.0
READ_BY_RULES = (
    "http_server_",
    "kafka_consumergroup_lag",
    "kafka_topic_partition_current_offset",
    "gitlab_ci_pipeline_status",
    "kube_horizontalpodautoscaler_",
    "aws_natgateway_bytes_out_to_destination_sum",
    "DCGM_FI_DEV_GPU_UTIL",
)
LATE = 45.0
"""Seconds by which a rule may fire later: it sees samples of every 15 s and needs two of them."""


@pytest.fixture(scope="module")
def recording() -> Recording:
    what = platforms.build("automotive", 1)
    broken = [
        faults.make("kafka-consumer-lag", Aim(what, ONSET, target="heartbeat-tracker")),
        faults.make("latency-spike", Aim(what, ONSET, target="dataset-api")),
        faults.make("pipeline-broken", Aim(what, ONSET)),
        faults.make("idle-gpu", Aim(what, ONSET)),
    ]
    return run(what, broken, START, 1500.0, 3)


def first_firing(url: str, rule: alerts.Rule, recording: Recording) -> float | None:
    """When the rule's condition had held for as long as it has to, at its evaluations every 15 s."""
    asked = {"query": rule.expression, "start": START + 300.0, "end": float(recording.times[-1]), "step": 15}
    answer = httpx.get(f"{url}/api/v1/query_range", params=asked).raise_for_status().json()
    times = [float(at) for series in answer["data"]["result"] for at, _ in series["values"]]
    held: list[float] = []
    for at in times:
        held = [*held, at] if held and at - held[-1] <= 15.0 else [at]
        if held[-1] - held[0] >= alerts.HOLD:
            return at
    return None


def test_rules_fire_in_prometheus_when_they_fire_here(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))
    (tmp_path / "tsdb").mkdir()
    series = [one for one in metrics.series(recording) if one.metric.startswith(READ_BY_RULES)]
    times = metrics.scrape_times(recording)
    write_blocks(sorted(series, key=lambda one: one.metric), times, tmp_path / "tsdb", lambda _done, _all: None)
    here: dict[frozenset[tuple[str, str]], float] = {}
    for one in alerts.episodes(recording):
        here.setdefault(frozenset(one.firing.labels.items()), one.firing.since)
    assert {dict(labels)["alertname"] for labels in here} >= {
        "ServiceLatencyObjective",
        "ServiceErrorObjective",
        "ConsumerFreshnessObjective",
        "BrainPipelineFailed",
        "BrainGpuIdle",
    }
    rules = yaml.safe_dump(alerts.rules_document(recording.platform))
    flags = ["--storage.tsdb.retention.time=100y"]
    with Prometheus(data_dir=tmp_path, binary=require("prometheus"), rules=[rules], flags=flags) as server:
        for rule in alerts.rules(recording.platform):
            since = here.get(frozenset({**rule.labels, "alertname": rule.alert}.items()))
            there = first_firing(server.url, rule, recording)
            if since is None:
                assert there is None or there > ONSET + 300.0, rule.summary
            elif since < recording.times[-1] - 2 * LATE:
                assert there is not None, rule.summary
                assert abs(there - since) <= LATE


def test_promtool_finds_no_fault_with_the_rules(tmp_path: Path) -> None:
    for name in platforms.names():
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump(alerts.rules_document(platforms.build(name, 1))), encoding="utf-8")
        done = subprocess.run(
            [require("promtool"), "check", "rules", path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
