"""A replay read back from the real Prometheus: same samples, and the alerts that the payload says fire."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from brain_common.errors import PermanentError
from brain_lab.recorded import DATASETS, RecordedCase, list_cases, load_case
from brain_lab.replay import ReplayResult, replay
from brain_lab.replay.openmetrics import label_text
from brain_lab.replay.rules import rules_for
from brain_lab.replay.series import series_of
from brain_lab.replay.timeline import lay_out, plan_for
from brain_lab.servers.prometheus import Prometheus
from tests.servers.fixtures import AlertmanagerFactory, PrometheusFactory
from tests.servers.provide import require
from tests.unit.lab import folders


@pytest.fixture(autouse=True)
def promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay finds the promtool that the tests use."""
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))


def started(result: ReplayResult, data_dir: Path, prometheus: PrometheusFactory) -> Prometheus:
    """A Prometheus on the replay, with the configuration that the replay has written."""
    config = result.config.read_text().replace("rules.yaml", str(result.rules))
    return prometheus(config=config, data_dir=data_dir)


def query(server: Prometheus, expression: str, at: float | None = None) -> list[dict[str, Any]]:
    params = {"query": expression} | ({} if at is None else {"time": str(at)})
    answer = httpx.post(f"{server.url}/api/v1/query", data=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]  # type: ignore[no-any-return]


def alerts(server: Prometheus) -> list[dict[str, str]]:
    answer = httpx.get(f"{server.url}/api/v1/alerts", timeout=30).json()
    return [alert["labels"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"]


def assert_same_samples(server: Prometheus, case: RecordedCase, result: ReplayResult, now: float) -> None:
    timeline = lay_out(case, now, plan_for(case.step))
    seconds = int(result.end - result.start) + 1
    for series in series_of(timeline):
        (found,) = query(server, f"{series.metric}{label_text(series.labels)}[{seconds}s]", result.end)
        times, values = np.array(found["values"], dtype=np.float64).T
        present = ~np.isnan(series.values)
        assert np.array_equal(times, timeline.times[present])
        assert np.array_equal(values, series.values[present])


def assert_clear_alerts_fire(server: Prometheus, case: RecordedCase, now: float) -> None:
    """Those well above their threshold; how near ones stand moves on with the clock."""
    timeline = lay_out(case, now, plan_for(case.step))
    clear = {
        (rule.alert, rule.key.entity)
        for rule in rules_for(timeline)
        if rule.firing_since is not None and rule.observed[-1] > 1.2 * rule.threshold
    }
    deadline = time.monotonic() + 60
    while clear - {(labels["alertname"], labels["service"]) for labels in alerts(server)}:
        assert time.monotonic() < deadline, "the alerts did not fire"
        time.sleep(0.2)


@pytest.mark.parametrize("dataset", DATASETS)
def test_prometheus_reads_back_every_sample_and_fires(
    tmp_path: Path, prometheus: PrometheusFactory, dataset: str
) -> None:
    root = folders.maker(dataset)(tmp_path / "data")
    case = load_case(dataset, root, list_cases(dataset, root)[0])
    now, steps = time.time(), list[tuple[int, int]]()
    result = replay(case, tmp_path / "prometheus" / "tsdb", now, lambda done, of: steps.append((done, of)))
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]
    server = started(result, tmp_path / "prometheus", prometheus)
    assert_same_samples(server, case, result, now)
    assert_clear_alerts_fire(server, case, now)
    assert {labels["cluster"] for labels in alert_labels(result)} == {"lab"}
    assert result.rules.exists()
    assert "level=ERROR" not in server.process.output()
    assert not list(result.tsdb.glob(".replay-*"))


def alert_labels(result: ReplayResult) -> list[dict[str, str]]:
    assert result.group is not None
    return [alert["labels"] for alert in json.loads(result.group.read_text())["alerts"]]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_public_case_fires_in_prometheus(tmp_path: Path, prometheus: PrometheusFactory, dataset: str) -> None:
    folder = folders.SHARED / folders.FOLDERS[dataset]
    if not folder.is_dir():
        pytest.skip(f"needs the public data set in {folder}")
    case = load_case(dataset, folder, list_cases(dataset, folder)[0])
    now = time.time()
    result = replay(case, tmp_path / "prometheus" / "tsdb", now)
    server = started(result, tmp_path / "prometheus", prometheus)
    assert_clear_alerts_fire(server, case, now)
    metrics = {series.metric for series in series_of(lay_out(case, now, plan_for(case.step)))}
    counted = [query(server, f"sum(count_over_time({metric}[3d]))", result.end) for metric in metrics]
    assert sum(float(found["value"][1]) for (found,) in counted) == result.samples


def test_fingerprints_are_those_of_alertmanager(alertmanager: AlertmanagerFactory, tmp_path: Path) -> None:
    case = load_case("petshop", folders.petshop(tmp_path / "data"), "low/test/issue_0")
    result = replay(case, tmp_path / "tsdb", time.time())
    assert result.group is not None
    (alert,) = json.loads(result.group.read_text())["alerts"]
    server = alertmanager()
    httpx.post(f"{server.url}/api/v2/alerts", json=[{"labels": alert["labels"]}], timeout=30).raise_for_status()
    (known,) = httpx.get(f"{server.url}/api/v2/alerts", timeout=30).json()
    assert known["fingerprint"] == alert["fingerprint"]


def test_what_promtool_refuses_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = tmp_path / "promtool"
    refusing.write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(refusing))
    case = load_case("rcd", folders.rcd(tmp_path / "data"), "carts-cpu/1")
    with pytest.raises(PermanentError, match="no such luck"):
        replay(case, tmp_path / "tsdb", time.time())
    assert not list((tmp_path / "tsdb").iterdir())
