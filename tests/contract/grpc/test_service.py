"""gRPC as part of the whole service: its judgements, and what came in by the webhook."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_rca.service import Running
from tests.contract.grpc.conftest import PATIENCE, group, member, refused
from tests.e2e.service import service
from tests.fakes.http_server import Answer, FakeServer
from tests.unit.intake.payloads import alert, payload

pytestmark = pytest.mark.anyio


@pytest.fixture
def prometheus() -> Iterator[FakeServer]:
    """Has nothing to tell, so that a judgement is quick."""
    nothing = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with FakeServer(lambda *_: Answer(200, nothing)) as server:
        yield server


@pytest.fixture
def running(tmp_path: Path, prometheus: FakeServer) -> Iterator[Running]:
    """It waits long for more alerts, so that only what is urgent is judged while a test looks."""
    config: dict[str, Any] = {
        "http": {"port": 0},
        "grpc": {"port": 0},
        "intake": {"debounce_seconds": 600},
        "store": {"sqlite": str(tmp_path / "incidents.sqlite")},
        "evidence": {"prometheus": {"url": prometheus.url}},
    }
    with service(config) as one:
        yield one


def recent() -> Timestamp:
    return Timestamp(seconds=int(time.time()) - 60)


async def test_a_group_is_judged_at_once(running: Running) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
        stub = rca_pb2_grpc.RcaServiceStub(channel)
        answer = await stub.Analyze(group(alerts=[member(starts_at=recent())]), timeout=PATIENCE)
    assert answer.analysis_state == pb.ANALYSIS_STATE_DONE
    assert answer.analysis.no_cause_reason
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        shown = (await client.get(f"{running.url}/incidents/{answer.id}.json")).json()
    assert shown["analysis"]["no_cause_reason"] == answer.analysis.no_cause_reason


async def test_what_the_webhook_takes_in_is_watched_here(running: Running) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
        stub = rca_pb2_grpc.RcaServiceStub(channel)
        stream = stub.WatchIncidents(pb.WatchIncidentsRequest(), timeout=PATIENCE)
        await stream.wait_for_connection()
        urgent = alert(labels={"alertname": "A", "severity": "critical"}, startsAt=recent().ToJsonString())
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            taken = (await client.post(f"{running.url}/api/v1/alertmanager", json=payload(alerts=[urgent]))).json()
        seen = [await stream.read()]
        while seen[-1].analysis_state != pb.ANALYSIS_STATE_DONE:
            seen.append(await stream.read())
        stream.cancel()
    assert {one.id for one in seen} == {taken["incident"]}
    assert seen[-1].severity == pb.SEVERITY_CRITICAL


async def test_a_judgement_that_does_not_end_ends_with_the_deadline(running: Running, prometheus: FakeServer) -> None:
    prometheus.hang()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
        stub = rca_pb2_grpc.RcaServiceStub(channel)
        late = await refused(stub.Analyze(group(alerts=[member(starts_at=recent())]), timeout=1.0))
        prometheus.heal()
        assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED
        listed = await stub.ListIncidents(pb.ListIncidentsRequest(only_open=True), timeout=PATIENCE)
    assert [one.group_key for one in listed.incidents] == ["k"]
