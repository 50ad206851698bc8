"""The shipped Collector configurations, as they are, with a real Collector: all that is sent arrives once, enriched."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from brain_lab.servers.server import HOST, free_port
from brain_lab.servers.telemetrygen import Telemetrygen, TelemetryKind
from tests.integration.otel.conftest import ProcessorFactory
from tests.integration.otel.processor import SHIPPED
from tests.servers.fixtures import CollectorFactory
from tests.servers.otlp_file import INTAKE, OtlpFile, eventually, into_file, records_of, resource_of
from tests.servers.provide import require

HTTP_INTAKE = "OTLP_HTTP_ENDPOINT"
RETURN = "ENRICHED_ENDPOINT"
LISTENERS = [INTAKE, HTTP_INTAKE, RETURN]

COLLECTORS = sorted(path for path in SHIPPED.glob("*.yaml") if path.name != "brain-otel.yaml")

COUNT = 200  # a trace of telemetrygen has two spans
SENT: dict[TelemetryKind, int] = {"traces": 2 * COUNT, "logs": COUNT, "metrics": COUNT}


def send_all(telemetrygen: Telemetrygen, to: str) -> None:
    """A load of each signal."""
    for kind in SENT:
        telemetrygen.send(kind, to, rate=400, count=COUNT)


def check_all(end: OtlpFile, **expected: str) -> None:
    """Every record has arrived once, and every resource says what it has been given."""
    for kind, count in SENT.items():
        end.wait_for(kind, count)
        for group in end.groups(kind):
            assert expected.items() <= resource_of(group).items()


@pytest.mark.parametrize("path", COLLECTORS, ids=lambda path: path.name)
def test_the_collector_takes_it_with_its_defaults(path: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "FILE_STORAGE_DIR": str(tmp_path)}
    command = [str(require("otelcol")), "validate", f"--config={path}"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["gateway.yaml", "persistent-queue.yaml"])
def test_all_goes_through_the_processor(
    file: str,
    collector: CollectorFactory,
    processor: ProcessorFactory,
    otlp_file: OtlpFile,
    telemetrygen: Telemetrygen,
) -> None:
    port = free_port()
    environ = {"BRAIN_OTEL_ENDPOINT": f"{HOST}:{port}", "BACKEND_ENDPOINT": otlp_file.address}
    gateway = collector(SHIPPED / file, addresses=LISTENERS, environ=environ)
    processor(listens=port, sends_to=gateway.at(RETURN), team="shop")
    send_all(telemetrygen, gateway.at(INTAKE))
    check_all(otlp_file, **{"k8s.cluster.name": "production", "team": "shop"})


@pytest.mark.parametrize(("count", "mebibytes"), [(1, 6), (20, 1)])
def test_what_is_larger_than_a_collector_takes_by_default_goes_through(
    count: int,
    mebibytes: int,
    collector: CollectorFactory,
    processor: ProcessorFactory,
    otlp_file: OtlpFile,
    telemetrygen: Telemetrygen,
) -> None:
    port = free_port()
    environ = {"BRAIN_OTEL_ENDPOINT": f"{HOST}:{port}", "BACKEND_ENDPOINT": otlp_file.address}
    gateway = collector(SHIPPED / "gateway.yaml", addresses=LISTENERS, environ=environ)
    processor(listens=port, sends_to=gateway.at(RETURN))
    telemetrygen.send("logs", gateway.at(INTAKE), rate=20, count=count, flags=[f"--size={mebibytes}"])
    otlp_file.wait_for("logs", count)


def test_an_agent_says_which_pod_sent(
    collector: CollectorFactory, processor: ProcessorFactory, otlp_file: OtlpFile, telemetrygen: Telemetrygen
) -> None:
    port = free_port()
    environ = {"BRAIN_OTEL_ENDPOINT": f"{HOST}:{port}", "BACKEND_ENDPOINT": otlp_file.address}
    gateway = collector(SHIPPED / "gateway.yaml", addresses=LISTENERS, environ=environ)
    processor(listens=port, sends_to=gateway.at(RETURN), team="shop")
    to_gateway = {"GATEWAY_ENDPOINT": gateway.at(INTAKE), "GATEWAY_INSECURE": "true"}
    agent = collector(SHIPPED / "agent.yaml", addresses=[INTAKE, HTTP_INTAKE], environ=to_gateway)
    send_all(telemetrygen, agent.at(INTAKE))
    check_all(otlp_file, **{"k8s.pod.ip": HOST, "team": "shop"})


def test_several_workers_share_the_load_and_no_trace(
    collector: CollectorFactory, processor: ProcessorFactory, otlp_file: OtlpFile, telemetrygen: Telemetrygen
) -> None:
    ports = [free_port(), free_port()]
    workers = {f"BRAIN_OTEL_WORKER_{number}": f"{HOST}:{port}" for number, port in enumerate(ports)}
    front = collector(
        SHIPPED / "scaled-out.yaml",
        addresses=LISTENERS,
        environ={**workers, "BACKEND_ENDPOINT": otlp_file.address},
    )
    for number, port in enumerate(ports):
        processor(listens=port, sends_to=front.at(RETURN), worker=str(number))
    send_all(telemetrygen, front.at(INTAKE))
    check_all(otlp_file)
    workers_of = defaultdict(set)
    for group in otlp_file.groups("traces"):
        for span in records_of("traces", group):
            workers_of[span["traceId"]].add(resource_of(group)["worker"])
    assert {len(seen) for seen in workers_of.values()} == {1}
    assert set.union(*workers_of.values()) == {"0", "1"}


def span_ids(end: OtlpFile) -> set[str]:
    """Of all spans that have arrived."""
    return {span["spanId"] for span in end.records("traces")}


@pytest.mark.parametrize("file", ["gateway.yaml", "persistent-queue.yaml", "scaled-out.yaml"])
def test_a_processor_that_is_killed_loses_nothing(
    file: str,
    collector: CollectorFactory,
    processor: ProcessorFactory,
    otlp_file: OtlpFile,
    telemetrygen: Telemetrygen,
) -> None:
    killed, other = free_port(), free_port()
    environ = dict.fromkeys(["BRAIN_OTEL_ENDPOINT", "BRAIN_OTEL_WORKER_0"], f"{HOST}:{killed}")
    environ |= {"BRAIN_OTEL_WORKER_1": f"{HOST}:{other}", "BACKEND_ENDPOINT": otlp_file.address}
    gateway = collector(SHIPPED / file, addresses=LISTENERS, environ=environ)
    victim = processor(listens=killed, sends_to=gateway.at(RETURN), team="shop")
    processor(listens=other, sends_to=gateway.at(RETURN), team="shop")
    telemetrygen.send("traces", gateway.at(INTAKE), rate=400, count=COUNT)
    eventually(lambda: bool(span_ids(otlp_file)))
    victim.process.kill()
    telemetrygen.send("traces", gateway.at(INTAKE), rate=400, count=COUNT)
    victim.start()
    eventually(lambda: len(span_ids(otlp_file)) == 4 * COUNT, timeout=60)
    assert {resource_of(group)["team"] for group in otlp_file.groups("traces")} == {"shop"}


def test_a_backend_that_is_away_holds_up_and_loses_nothing(
    collector: CollectorFactory, processor: ProcessorFactory, telemetrygen: Telemetrygen, tmp_path: Path
) -> None:
    port, backend, arrived = free_port(), f"{HOST}:{free_port()}", tmp_path / "arrived.json"
    gateway = collector(
        SHIPPED / "gateway.yaml",
        addresses=LISTENERS,
        environ={"BRAIN_OTEL_ENDPOINT": f"{HOST}:{port}", "BACKEND_ENDPOINT": backend},
        flags=["--set=exporters::otlp/backend::sending_queue::queue_size=250"],  # which a request or two fill
    )
    processor(listens=port, sends_to=gateway.at(RETURN))
    for _ in range(4):
        telemetrygen.send("traces", gateway.at(INTAKE), rate=400, count=COUNT // 4)
    eventually(lambda: "sending queue is full" in gateway.process.output())
    end = OtlpFile(arrived, collector(into_file(arrived), environ={INTAKE: backend}))
    end.wait_for("traces", 2 * COUNT)


def test_a_collector_that_is_killed_loses_nothing_that_it_has_on_disk(
    collector: CollectorFactory, processor: ProcessorFactory, otlp_file: OtlpFile, telemetrygen: Telemetrygen
) -> None:
    port = free_port()
    environ = {"BRAIN_OTEL_ENDPOINT": f"{HOST}:{port}", "BACKEND_ENDPOINT": otlp_file.address}
    gateway = collector(SHIPPED / "persistent-queue.yaml", addresses=LISTENERS, environ=environ)
    telemetrygen.send("traces", gateway.at(INTAKE), rate=400, count=COUNT)
    gateway.process.kill()
    gateway.start()
    processor(listens=port, sends_to=gateway.at(RETURN))
    eventually(lambda: len(span_ids(otlp_file)) == 2 * COUNT, timeout=60)
