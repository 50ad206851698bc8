"""The main job with nothing faked but Grafana, on recorded incidents.

A recorded incident goes into a real Prometheus, its rule fires, a real Alertmanager groups and posts, the service
answers, and the true cause is among the first three; Grafana and both ends of Alertmanager hear of it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from brain_common.entity import Entity
from brain_lab.recorded import load_case, truth
from brain_lab.replay import ReplayResult, replay
from brain_lab.servers.prometheus import Prometheus
from tests.e2e.service import analysed, service, until
from tests.fakes.grafana import FakeGrafana
from tests.servers.fixtures import AlertmanagerFactory, PrometheusFactory, ThanosFactory
from tests.servers.provide import require

DATASETS = Path(__file__).resolve().parents[2].parent / "shared" / "datasets"
FOLDERS = {"petshop": DATASETS / "petshop", "rcd": DATASETS / "rcd_sockshop", "rcaeval4": DATASETS / "rcaeval_4cases"}
needs_data = pytest.mark.skipif(not DATASETS.is_dir(), reason="the recorded incidents are not beside this clone")
pytestmark = [needs_data, pytest.mark.timeout(170)]


@pytest.fixture(autouse=True)
def promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay finds the promtool that the tests use."""
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))


def start_alerting(server: Prometheus, result: ReplayResult, alertmanager: str) -> None:
    """Give the running Prometheus the replay's rules and an Alertmanager.

    Only now, when the service listens: Alertmanager tries a receiver that is not there yet again after a minute.
    """
    config = yaml.safe_load(result.config.read_text())
    config["global"]["evaluation_interval"] = "1s"
    config["rule_files"] = [str(result.rules)]
    target = alertmanager.removeprefix("http://")
    config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]}
    (server.data_dir / "prometheus.yml").write_text(yaml.safe_dump(config))
    httpx.post(f"{server.url}/-/reload", timeout=30).raise_for_status()


def alertmanager_config(webhook: str) -> dict[str, Any]:
    """One receiver: the service."""
    return {
        "route": {"receiver": "brain", "group_by": ["cluster", "namespace"], "group_wait": "1s"},
        "receivers": [
            {
                "name": "brain",
                "webhook_configs": [
                    {
                        "url": f"{webhook}/api/v1/alertmanager",
                        "send_resolved": True,
                        "http_config": {"authorization": {"credentials": "a-token-for-tests"}},
                    }
                ],
            }
        ],
    }


def service_config(tmp_path: Path, **parts: Any) -> dict[str, Any]:
    return {
        "cluster": "",
        "http": {"port": 0},
        "grpc": {"port": 0},
        "callers": [{"name": "alertmanager", "bearer_token": "a-token-for-tests"}],
        "store": {"sqlite": str(tmp_path / "incidents.sqlite")},
        "audit": {"anchor_file": str(tmp_path / "anchors")},
        **parts,
    }


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def names(incident: dict[str, Any]) -> list[str]:
    """Names of the causes, best first; a database next to its service counts as the service, as in the data sets."""
    found = [Entity.parse(cause["entity"]).name.removesuffix("-db") for cause in incident["analysis"]["causes"]]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(
    ("dataset", "case"),
    [("petshop", "low_traffic/test/issue_2"), ("petshop", "low_traffic/test/issue_11"), ("rcd", "carts-cpu/1")],
)
def test_from_alert_to_annotation(
    tmp_path: Path, prometheus: PrometheusFactory, alertmanager: AlertmanagerFactory, dataset: str, case: str
) -> None:
    result = replay(load_case(dataset, FOLDERS[dataset], case), tmp_path / "tsdb", time.time())
    port = free_port()
    webhook = f"http://127.0.0.1:{port}"
    manager = alertmanager(config=alertmanager_config(webhook))
    with FakeGrafana(token="grafana-token") as grafana:
        # An alert that fires before Prometheus has found its new Alertmanager is lost, and sent again a minute later.
        server = prometheus(data_dir=tmp_path, flags=["--rules.alert.resend-delay=2s"])
        config = service_config(
            tmp_path,
            http={"port": port},
            evidence={"prometheus": {"url": server.url}},
            publish={
                "grafana": {"http": {"url": grafana.url, "bearer": {"token": "grafana-token"}}},
                "alertmanager": {"peers": [{"url": manager.url}]},
            },
        )
        with service(config) as running:
            start_alerting(server, result, manager.url)
            incident = until("an analysed incident", lambda: analysed(running.url))[0]
            tag = f"incident={incident['id']}"
            annotation = until("the annotation", lambda: grafana.with_tag(tag))[0]
            alert = until("BrainRootCause in Alertmanager", lambda: brain_alert(manager.url))
            page = httpx.get(f"{running.url}/incidents/{incident['id']}")
    assert truth(dataset, FOLDERS[dataset], case).entity.removesuffix("-db") in names(incident)[:3]
    assert incident["source"] == "alertmanager"
    assert [text for text in incident["analysis"]["missing"] if not text.startswith("no call graph is known")] == []
    assert grafana.violations == []
    assert {"brain", f"group={incident['group_hash']}", tag} <= set(annotation["tags"])
    assert annotation["time"] < annotation["timeEnd"]
    assert alert["labels"]["group"] == incident["group_hash"]
    assert page.status_code == 200
    assert "Content-Security-Policy" in page.headers


def brain_alert(url: str) -> dict[str, Any] | None:
    alerts: list[dict[str, Any]] = httpx.get(f"{url}/api/v2/alerts").json()
    return next((alert for alert in alerts if alert["labels"]["alertname"] == "BrainRootCause"), None)


def test_through_thanos_query(tmp_path: Path, prometheus: PrometheusFactory, thanos: ThanosFactory) -> None:
    case = load_case("petshop", FOLDERS["petshop"], "low_traffic/test/issue_2")
    result = replay(case, tmp_path / "tsdb", time.time())
    server = prometheus(config=result.config.read_text().replace("rules.yaml", str(result.rules)), data_dir=tmp_path)
    query = thanos(server)
    assert result.group is not None
    evidence = {"prometheus": {"url": query.url, "dedup": True, "partial_response": False}}
    with service(service_config(tmp_path, evidence=evidence)) as running:
        answer = httpx.post(
            f"{running.url}/api/v1/alertmanager",
            content=result.group.read_bytes(),
            headers={"Authorization": "Bearer a-token-for-tests"},
        )
        assert answer.status_code == 200
        incident = until("an analysed incident", lambda: analysed(running.url))[0]
    assert truth("petshop", FOLDERS["petshop"], "low_traffic/test/issue_2").entity in names(incident)[:3]
    # The sidecar gives every series the external label; alerts carry the same.
    assert all(Entity.parse(cause["entity"]).cluster == "lab" for cause in incident["analysis"]["causes"])
