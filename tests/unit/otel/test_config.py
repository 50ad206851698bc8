"""What the settings of the processor refuse, and the ports of its workers."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.processes.run import run
from brain_otel.service import check


def test_each_worker_has_ports_of_its_own() -> None:
    settings = check_settings({"workers": 3}, OtelSettings, "test")
    ports = [[listener.port for _, listener in settings.of_worker(number).listeners()] for number in range(3)]
    assert ports == [[4317, 4318, 8890], [4327, 4328, 8900], [4337, 4338, 8910]]


def test_a_free_port_stays_free_for_every_worker() -> None:
    data = {"workers": 2, "otlp": {"grpc": {"port": 0}, "http": None}, "metrics": {"port": 0}}
    settings = check_settings(data, OtelSettings, "test")
    assert [listener.port for _, listener in settings.of_worker(1).listeners()] == [0, 0]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"workers": 2, "metrics": {"port": 4327}}, r"otlp\.grpc\.port: worker 1 would listen on 4327"),
        ({"metrics": {"port": 4318}}, r"metrics\.port: worker 0 would listen on 4318, which is taken"),
        ({"workers": 3, "metrics": {"port": 65530}}, r"metrics\.port: worker 1 would listen on 65540"),
        ({"workers": 0}, "workers: "),
        ({"enrich": ["logs"]}, r"enrich: write a step as `- logs: \{\}`"),
        ({"enrich": {"logs": {}}}, "enrich: write a list"),
        (
            {"next_hop": {"endpoint": "http://a:4318/v1/traces", "protocol": "http"}},
            "next_hop: endpoint: without /v1/traces",
        ),
        ({"lake": {}}, "lake: give either path"),
        ({"lake_copy": {"logs": {"min_severity": "LOUD"}}}, r"lake_copy\.logs\.min_severity"),
        ({"lake_upkeep": {"retention_days_of": {"traces": 3}}}, "no such table: traces"),
    ],
)
def test_what_is_wrong_is_told_by_its_key(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        check_settings(data, OtelSettings, "test")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"enrich": [{"changes": {}}]}, "lake: a step of enrich reads changes"),
        ({"enrich": [{"logs": {}}, {"tags": {}}, {"redact": {}}, {"redact": {}}]}, "redact is listed twice"),
        ({"enrich": [{"tags": {}, "logs": {}}]}, r"enrich\.0: give one step an entry"),
        ({"enrich": [{"tags": {}}, {"team": {}}]}, r"enrich\.1: no enricher 'team'"),
        (
            {"enrich": [{"incidents": {"endpoint": "https://a:1", "tls": {"ca_file": "/nope"}}}]},
            r"incidents\.tls\.ca_file: /nope cannot be read",
        ),
    ],
)
def test_what_would_not_start_is_found_by_the_check(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        check(check_settings(data, OtelSettings, "test"))


def test_a_lake_without_its_libraries_is_found_before_any_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = check_settings({"lake": {"path": "/var/lake"}}, OtelSettings, "test")
    check(settings)
    monkeypatch.setattr("brain_otel.side.installed.find_spec", lambda name: None)
    for start in (check, run):
        with pytest.raises(ConfigError, match=r"install ai-devops-brain\[otel,lake\]"):
            start(settings)


def test_settings_travel_to_other_processes_with_their_secrets() -> None:
    data = {"next_hop": {"headers": {"authorization": "Bearer geheim"}}, "lake": {"path": "/var/lake"}}
    settings = check_settings(data, OtelSettings, "test")
    there = pickle.loads(pickle.dumps(settings))
    assert there == settings
    assert there.next_hop.headers["authorization"].get_secret_value() == "Bearer geheim"
