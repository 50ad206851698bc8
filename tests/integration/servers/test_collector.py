"""The Collector passes on what telemetrygen sends it, keeps what it could not send over a crash, and its address."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from brain_lab.servers.errors import ServerFailed
from brain_lab.servers.server import free_port
from brain_lab.servers.telemetrygen import Telemetrygen, TelemetryKind
from tests.servers.fixtures import CollectorFactory
from tests.servers.otlp_file import INTAKE, OtlpFile, eventually, into_file, pipelines, receiver, resource_of
from tests.servers.pins import pin_of
from tests.servers.provide import require


def onto(address: str) -> dict[str, Any]:
    """A Collector that keeps on its disk what another one has not accepted yet."""
    sending = {"endpoint": address, "tls": {"insecure": True}, "sending_queue": {"storage": "file_storage"}}
    return {
        "receivers": receiver(),
        "extensions": {"file_storage": {"directory": "${env:FILE_STORAGE_DIR}"}},
        "exporters": {"otlp": sending},
        "service": {"extensions": ["file_storage"], "pipelines": pipelines("otlp")},
    }


def test_it_is_the_pinned_release() -> None:
    said = subprocess.run([str(require("otelcol")), "--version"], check=True, capture_output=True, text=True).stdout
    assert said.strip() == f"otelcol version {pin_of('otelcol').release}"


@pytest.mark.parametrize(("kind", "expected"), [("traces", 40), ("logs", 20), ("metrics", 20)])
def test_what_telemetrygen_sends_arrives(
    kind: TelemetryKind, expected: int, otlp_file: OtlpFile, telemetrygen: Telemetrygen
) -> None:
    telemetrygen.send(kind, otlp_file.address, rate=100, count=20, attributes={"k8s.namespace.name": "shop"})
    otlp_file.wait_for(kind, expected)
    assert {resource_of(group)["k8s.namespace.name"] for group in otlp_file.groups(kind)} == {"shop"}


def test_it_tells_its_own_metrics(otlp_file: OtlpFile, telemetrygen: Telemetrygen) -> None:
    telemetrygen.send("logs", otlp_file.address, rate=100, count=20)
    metrics = otlp_file.server.metrics_url
    eventually(lambda: "otelcol_receiver_accepted_log_records" in httpx.get(metrics).text)


def test_after_a_crash_it_sends_what_its_disk_holds(
    collector: CollectorFactory, telemetrygen: Telemetrygen, tmp_path: Path
) -> None:
    out, address = tmp_path / "out.json", f"127.0.0.1:{free_port()}"
    server = collector(onto(address), addresses=[INTAKE])
    intake = server.at(INTAKE)
    telemetrygen.send("logs", intake, rate=100, count=20)
    server.process.kill()
    end = OtlpFile(out, collector(into_file(out), environ={INTAKE: address}))
    server.start()
    assert server.at(INTAKE) == intake
    end.wait_for("logs", 20)


def test_a_wrong_configuration_is_shown(collector: CollectorFactory) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)otelcol exited .*no_such_exporter"):
        collector({"receivers": receiver(), "exporters": {"no_such_exporter": {}}})


def test_a_load_that_cannot_be_made_is_a_failure(telemetrygen: Telemetrygen) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)telemetrygen ended with status 1.*severity-number is out of range"):
        telemetrygen.send("logs", "127.0.0.1:9", rate=100, count=1, flags=["--severity-number=99"])


def test_a_load_needs_one_bound(telemetrygen: Telemetrygen) -> None:
    with pytest.raises(ValueError, match="count or seconds"):
        telemetrygen.send("logs", "127.0.0.1:9", rate=1)
