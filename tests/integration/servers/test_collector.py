"""The Collector passes on what telemetrygen sends it, keeps what it could not send over a crash, and its address."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import free_port
from brain_lab.servers.telemetrygen import Telemetrygen, TelemetryKind
from tests.servers.fixtures import CollectorFactory
from tests.servers.pins import pin_of
from tests.servers.provide import require

INTAKE = "OTLP_GRPC_ENDPOINT"
RECEIVER = {"otlp": {"protocols": {"grpc": {"endpoint": f"${{env:{INTAKE}}}"}}}}

RECORDS = {"traces": "spans", "logs": "logRecords", "metrics": "metrics"}
GROUPS = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}


def pipelines(exporter: str) -> dict[str, Any]:
    """All three signals from the OTLP receiver to one exporter."""
    return {signal: {"receivers": ["otlp"], "exporters": [exporter]} for signal in GROUPS}


def into_file(path: Path) -> dict[str, Any]:
    """A Collector that writes all it gets into a file, a request a line."""
    return {
        "receivers": RECEIVER,
        "exporters": {"file": {"path": str(path)}},
        "service": {"pipelines": pipelines("file")},
    }


def onto(address: str) -> dict[str, Any]:
    """A Collector that keeps on its disk what another one has not accepted yet."""
    sending = {"endpoint": address, "tls": {"insecure": True}, "sending_queue": {"storage": "file_storage"}}
    return {
        "receivers": RECEIVER,
        "extensions": {"file_storage": {"directory": "${env:FILE_STORAGE_DIR}"}},
        "exporters": {"otlp": sending},
        "service": {"extensions": ["file_storage"], "pipelines": pipelines("otlp")},
    }


def count(path: Path, signal: str) -> int:
    """Records of a signal in a file that a Collector writes."""
    lines = path.read_text().splitlines() if path.exists() else []
    groups = [group for line in lines if line.endswith("}") for group in json.loads(line).get(GROUPS[signal], [])]
    return sum(len(scope[RECORDS[signal]]) for group in groups for scope in _scopes(group))


def _scopes(group: dict[str, Any]) -> list[dict[str, Any]]:
    return next(value for key, value in group.items() if key.startswith("scope"))


def eventually(holds: Callable[[], bool], timeout: float = 30) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


@pytest.mark.parametrize("program", ["otelcol"])
def test_it_is_the_pinned_release(program: str) -> None:
    said = subprocess.run([str(require(program)), "--version"], check=True, capture_output=True, text=True).stdout
    assert said.strip() == f"otelcol version {pin_of(program).release}"


@pytest.mark.parametrize(("kind", "expected"), [("traces", 40), ("logs", 20), ("metrics", 20)])
def test_what_telemetrygen_sends_arrives(
    kind: TelemetryKind, expected: int, collector: CollectorFactory, telemetrygen: Telemetrygen, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    server = collector(into_file(out), addresses=[INTAKE])
    telemetrygen.send(kind, server.at(INTAKE), rate=100, count=20, attributes={"k8s.namespace.name": "shop"})
    eventually(lambda: count(out, kind) == expected)
    assert '{"key":"k8s.namespace.name","value":{"stringValue":"shop"}}' in out.read_text()


def test_it_tells_its_own_metrics(collector: CollectorFactory, telemetrygen: Telemetrygen, tmp_path: Path) -> None:
    server = collector(into_file(tmp_path / "out.json"), addresses=[INTAKE])
    telemetrygen.send("logs", server.at(INTAKE), rate=100, count=20)
    eventually(lambda: "otelcol_receiver_accepted_log_records" in httpx.get(server.metrics_url).text)


def test_after_a_crash_it_sends_what_its_disk_holds(
    collector: CollectorFactory, telemetrygen: Telemetrygen, tmp_path: Path
) -> None:
    out, address = tmp_path / "out.json", f"127.0.0.1:{free_port()}"
    server = collector(onto(address), addresses=[INTAKE])
    intake = server.at(INTAKE)
    telemetrygen.send("logs", intake, rate=100, count=20)
    server.process.kill()
    collector(into_file(out), environ={INTAKE: address})
    server.start()
    assert server.at(INTAKE) == intake
    eventually(lambda: count(out, "logs") == 20)


def test_a_wrong_configuration_is_shown(collector: CollectorFactory) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)otelcol exited .*no_such_exporter"):
        collector({"receivers": RECEIVER, "exporters": {"no_such_exporter": {}}})


def test_a_load_that_cannot_be_made_is_a_failure(telemetrygen: Telemetrygen) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)telemetrygen ended with status 1.*severity-number is out of range"):
        telemetrygen.send("logs", "127.0.0.1:9", rate=100, count=1, flags=["--severity-number=99"])


def test_a_load_needs_one_bound(telemetrygen: Telemetrygen) -> None:
    with pytest.raises(ValueError, match="count or seconds"):
        telemetrygen.send("logs", "127.0.0.1:9", rate=1)
