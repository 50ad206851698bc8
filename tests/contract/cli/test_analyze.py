"""``brain rca analyze``: one payload and one Prometheus in, causes out, nothing stored."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from brain_rca.model import Incident
from tests.contract.cli.conftest import Brain, one_line
from tests.contract.cli.shop import END, FakePrometheus, group


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as server:
        yield server


def arguments(server: FakePrometheus, payload: Path | str, *more: object) -> list[object]:
    return ["rca", "analyze", "--alerts", payload, "--prometheus", server.url, "--at", END, *more]


def config(folder: Path, **parts: Any) -> Path:
    path = folder / "rca.yaml"
    path.write_text(yaml.safe_dump(parts))
    return path


def incident(out: str) -> Incident:
    return msgspec.json.decode(out.encode(), type=Incident)


def test_it_prints_the_cause_with_its_evidence_and_path(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    result = brain(*arguments(prometheus, group(tmp_path)))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "ServiceSlow (namespace=shop)  warning, open"
    assert lines[1].startswith("alerting: service shop/front   window: ")
    assert "service shop/cart" in lines[4]
    assert "latency p99 rose from 50" in lines[4]
    said = " ".join(result.out.split())  # a terminal wraps
    assert "It reaches what alerts over service shop/cart → service shop/front." in said
    assert "missing evidence" not in result.out


def test_as_json_it_is_the_incident(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    found = incident(brain(*arguments(prometheus, group(tmp_path), "--json")).out)
    assert found.analysis is not None
    assert found.analysis.finished_at == END
    assert found.analysis.causes[0].entity == "lab/shop/service/cart"
    assert found.analysis.causes[0].findings[0].query.startswith("service:request_duration_seconds:p99")
    assert (found.source, found.receiver, found.severity) == ("one-shot", "brain", "warning")


def test_a_payload_may_come_from_standard_input(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(group(tmp_path).read_bytes())))
    assert "service shop/cart" in brain(*arguments(prometheus, "-")).out


def test_a_resolved_group_is_judged_in_hindsight(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    found = incident(brain(*arguments(prometheus, group(tmp_path, status="resolved"), "--json")).out)
    assert found.analysis is not None
    assert found.analysis.causes[0].entity == "lab/shop/service/cart"


def test_nothing_is_left_behind(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = group(tmp_path)
    monkeypatch.chdir(tmp_path)
    brain(*arguments(prometheus, payload))
    assert list(tmp_path.iterdir()) == [payload]


def test_what_names_nothing_gets_a_reason(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    result = brain(*arguments(prometheus, group(tmp_path, service="nobody")))
    assert "No cause found: " in result.out or "service shop/nobody" in result.out
    assert result.code == 0


def test_evidence_that_is_refused_is_named(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    prometheus.refused = "traces_service_graph_request_total"
    result = brain(*arguments(prometheus, group(tmp_path)))
    missing = [line for line in result.out.splitlines() if line.startswith("missing evidence: ")]
    assert any("answered 422: too [bold]many[/] samples" in line for line in missing)


def test_a_hostile_label_neither_moves_the_cursor_nor_marks_up(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    prometheus.suffix = "\x1b[2J\x1b]0;owned\x07[red]\u202e\x9b31m\\"
    result = brain(*arguments(prometheus, group(tmp_path, service=f"front{prometheus.suffix}")))
    assert result.code == 0
    assert "cart[2J]0;owned[red]31m\\" in result.out.replace("\n", "")
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(result.out)


# The configuration file


def test_credentials_names_and_catalogues_come_from_the_configuration(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    server = {"url": "http://elsewhere:9090", "headers": {"X-Scope-OrgID": "team"}, "bearer": {"token": "s3cret"}}
    aliases = {"lab/shop/service/cart": "lab/shop/database/basket"}
    path = config(tmp_path, evidence={"prometheus": server}, scope={"aliases": aliases})
    found = incident(brain(*arguments(prometheus, group(tmp_path), "--config", path, "--json")).out)
    assert found.analysis is not None
    assert found.analysis.causes[0].entity == "lab/shop/database/basket"
    sent = prometheus.requests[0].headers
    assert (sent["x-scope-orgid"], sent["authorization"]) == ("team", "Bearer s3cret")


def test_of_the_services_configuration_what_is_not_used_need_not_be_here(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    path = config(
        tmp_path,
        store={"postgres": "${file:/nowhere/dsn}"},
        evidence={"lake": {"path": "elsewhere"}},
        callers=[{"name": "alertmanager", "bearer_token": "${env:NOT_SET}"}],
        publish={"grafana": {"http": {"url": "http://grafana", "bearer": {"token": "${env:NOT_SET}"}}}},
        http={"tls": {"cert_file": "${env:NOT_SET}", "key_file": "x"}},
    )
    assert "service shop/cart" in brain(*arguments(prometheus, group(tmp_path), "--config", path)).out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("analysis: {ranker: best}", "analysis: 'best' is not among the entry points of"),
        ("analysis: {window: {lookback_seconds: -1}}", "rca.yaml: analysis.window.lookback_seconds: "),
        ("evidence: here", "rca.yaml: evidence: expected keys and values, found str"),
        ("evidence: {prometheus: 'http://x'}", "rca.yaml: evidence.prometheus: expected keys and values, found str"),
        ("[1]", "rca.yaml: expected keys and values, found list"),
        ("clutser: x", "rca.yaml: clutser: unknown key"),
        ("cluster: ${env:NOT_SET}", "rca.yaml: cluster: environment variable NOT_SET is not set"),
        ("evidence: {catalogues: [gone.yaml]}", "gone.yaml: cannot be read: "),
        ("proposals: gone.yaml", "gone.yaml: cannot be read: "),
    ],
)
def test_a_wrong_configuration_is_one_line(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "rca.yaml"
    path.write_text(content)
    assert message in one_line(brain(*arguments(prometheus, group(tmp_path), "--config", path)))


# Mistakes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a webhook payload: "),
        (b"{", "not a webhook payload: "),
        (b"[]", "not a webhook payload: "),
        (b"\xff\xfe", "not a webhook payload: "),
        (b'{"version": "4"}', "not a webhook payload: Object missing required field"),
        (b"[" * 100_000, "not a webhook payload: "),
    ],
)
def test_a_wrong_payload_is_one_line(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "group.json"
    path.write_bytes(content)
    assert message in one_line(brain(*arguments(prometheus, path)))
    assert prometheus.requests == []


@pytest.mark.parametrize("name", ["gone.json", "."])
def test_a_payload_that_cannot_be_read_is_one_line(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, name: str
) -> None:
    assert "cannot be read: " in one_line(brain(*arguments(prometheus, tmp_path / name)))


def test_a_version_of_the_future_is_refused(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    path = group(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "5"}))
    assert one_line(brain(*arguments(prometheus, path))) == "version '5' is not supported, only '4'"


@pytest.mark.parametrize("url", ["localhost:9090", "ftp://x", "http://user:s3cret@host", "http://host?token=s3cret"])
def test_a_wrong_address_is_one_line_without_what_is_secret(brain: Brain, tmp_path: Path, url: str) -> None:
    result = brain("rca", "analyze", "--alerts", group(tmp_path), "--prometheus", url)
    text = one_line(result)
    assert text.startswith("command line: evidence.prometheus.url: ")
    assert "s3cret" not in text


def test_a_prometheus_that_is_not_there_is_one_line(brain: Brain, prometheus: FakePrometheus, tmp_path: Path) -> None:
    prometheus.stop()
    path = config(tmp_path, evidence={"prometheus": {"deadline_seconds": 0.3}, "deadline_seconds": 1})
    text = one_line(brain(*arguments(prometheus, group(tmp_path), "--config", path)))
    assert prometheus.url in text


def test_a_port_where_nobody_listens_is_told_before_any_query(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    prometheus.stop()
    text = one_line(brain(*arguments(prometheus, group(tmp_path))))
    assert text == f"Prometheus {prometheus.url}: the connection is refused; check --prometheus"


@pytest.mark.parametrize("at", ["1750000200000", "-5", "yesterday"])
def test_a_time_that_is_none_is_a_wrong_option(
    brain: Brain, prometheus: FakePrometheus, tmp_path: Path, at: str
) -> None:
    result = brain("rca", "analyze", "--alerts", group(tmp_path), "--prometheus", prometheus.url, "--at", at)
    assert result.code == 2
    assert "--at" in result.err
    assert prometheus.requests == []
