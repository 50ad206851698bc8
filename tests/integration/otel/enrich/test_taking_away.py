"""A processor that drops and redacts, between a client and a next hop."""

from __future__ import annotations

from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc

from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.service import running
from tests.fakes.otlp_next_hop import otlp_next_hop

pytestmark = pytest.mark.anyio


def _request(*bodies: str) -> logs.ExportLogsServiceRequest:
    request = logs.ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for body in bodies:
        records.add().body.string_value = body
    return request


def _settings(port: int) -> OtelSettings:
    debug = {"name": "debug", "action": "drop", "signal": "logs", "severity_below": "info"}
    data: dict[str, Any] = {
        "otlp": {"grpc": {"port": 0}, "http": None},
        "next_hop": {"endpoint": f"http://127.0.0.1:{port}"},
        "metrics": {"port": 0},
        "memory_limit_bytes": 64 << 30,  # this process has run other tests
        "enrich": [{"logs": {}}, {"filter": {"rules": [debug]}}, {"redact": {}}],
    }
    return check_settings(data, OtelSettings, "test")


async def test_what_is_left_is_sent_on_and_what_is_dropped_is_answered_with_success() -> None:
    async with (
        otlp_next_hop() as hop,
        running(_settings(hop.grpc_port)) as processor,
        grpc.aio.insecure_channel(f"127.0.0.1:{processor.grpc_port}") as channel,
    ):
        export = logs_grpc.LogsServiceStub(channel).Export
        assert await export(_request("DEBUG a", "DEBUG b")) == logs.ExportLogsServiceResponse()
        assert hop.got == []
        await export(_request("DEBUG a", "ERROR card 4111111111111111 declined"))
    ((_, got),) = hop.got
    (record,) = got.resource_logs[0].scope_logs[0].log_records
    assert record.body.string_value == "ERROR card 411111******1111 declined"
    assert record.severity_number == 17
