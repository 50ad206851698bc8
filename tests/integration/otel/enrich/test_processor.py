"""A processor whose steps ask a real RCA service: what it hands on carries the incident."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.service import running
from tests.contract.grpc.conftest import group, serving_api

pytestmark = pytest.mark.anyio

_SOON = 20.0  # seconds; far more than anything here takes on a busy machine


class _NextHop(trace_grpc.TraceServiceServicer):
    """Takes what it gets, and remembers the attributes of the last resource."""

    def __init__(self) -> None:
        self.last: dict[str, str] = {}

    async def Export(  # noqa: N802 - as generated
        self, request: trace.ExportTraceServiceRequest, context: object
    ) -> trace.ExportTraceServiceResponse:
        pairs = request.resource_spans[0].resource.attributes
        self.last = {pair.key: pair.value.string_value for pair in pairs}
        return trace.ExportTraceServiceResponse()


@contextlib.asynccontextmanager
async def _next_hop() -> AsyncIterator[tuple[_NextHop, int]]:
    server, one = grpc.aio.server(), _NextHop()
    trace_grpc.add_TraceServiceServicer_to_server(one, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield one, port
    finally:
        await server.stop(None)


def _span() -> trace.ExportTraceServiceRequest:
    request = trace.ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.scope_spans.add().spans.add(name="GET /cart")
    for key, value in {"service.name": "a", "k8s.namespace.name": "n"}.items():
        resource.resource.attributes.add(key=key).value.string_value = value
    return request


async def test_what_is_handed_on_carries_the_incident(tmp_path: Path) -> None:
    async with serving_api(tmp_path) as api, _next_hop() as (next_hop, port):
        incident = await api.analysed(group())
        data = {
            "cluster": "c",
            "otlp": {"grpc": {"port": 0}, "http": None},
            "next_hop": {"endpoint": f"http://127.0.0.1:{port}"},
            "metrics": {"port": 0},
            "memory_limit_bytes": 64 << 30,  # this process has run other tests
            "enrich": [{"incidents": {"endpoint": f"http://127.0.0.1:{api.port}", "refresh_seconds": 0.05}}],
        }
        async with (
            running(check_settings(data, OtelSettings, "test")) as processor,
            grpc.aio.insecure_channel(f"127.0.0.1:{processor.grpc_port}") as channel,
            asyncio.timeout(_SOON),
        ):
            while "brain.incident.id" not in next_hop.last:  # the first question may still be under way
                await trace_grpc.TraceServiceStub(channel).Export(_span())
    assert next_hop.last["brain.incident.id"] == incident.id
    assert next_hop.last["brain.anomaly.state"] == "cause"
