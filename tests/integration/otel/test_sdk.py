"""What an application sends with the OpenTelemetry SDK comes out at the next hop, enriched."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from brain_lab.servers.server import HOST, free_port
from tests.integration.otel.conftest import ProcessorFactory
from tests.servers.otlp_file import OtlpFile, resource_of

RESOURCE = Resource({"service.name": "checkout", "k8s.cluster.name": "own"})
ENRICHED = {"service.name": "checkout", "deployment.environment.name": "production", "team": "shop"}


@dataclass(frozen=True)
class Exporters:
    """The SDK's, for one transport."""

    traces: SpanExporter
    logs: LogRecordExporter
    metrics: MetricExporter


def over_grpc(address: str) -> Exporters:
    """To a processor's OTLP/gRPC."""
    return Exporters(
        grpc_traces.OTLPSpanExporter(f"http://{address}", insecure=True),
        grpc_logs.OTLPLogExporter(f"http://{address}", insecure=True),
        grpc_metrics.OTLPMetricExporter(f"http://{address}", insecure=True),
    )


def over_http(address: str) -> Exporters:
    """To a processor's OTLP/HTTP."""
    return Exporters(
        http_traces.OTLPSpanExporter(f"http://{address}/v1/traces"),
        http_logs.OTLPLogExporter(f"http://{address}/v1/logs"),
        http_metrics.OTLPMetricExporter(f"http://{address}/v1/metrics"),
    )


@pytest.fixture(params=["grpc", "http"])
def exporters(request: pytest.FixtureRequest, processor: ProcessorFactory, otlp_file: OtlpFile) -> Exporters:
    """To a processor in front of the file."""
    grpc_port, http_port = free_port(), free_port()
    processor(listens=grpc_port, listens_http=http_port, sends_to=otlp_file.address, team="shop")
    return over_grpc(f"{HOST}:{grpc_port}") if request.param == "grpc" else over_http(f"{HOST}:{http_port}")


def check_resource(end: OtlpFile, signal: str) -> None:
    """It has what the application said, which wins, and what the processor added."""
    [group] = end.groups(signal)
    assert ENRICHED.items() <= resource_of(group).items()
    assert resource_of(group)["k8s.cluster.name"] == "own"


def test_a_trace(exporters: Exporters, otlp_file: OtlpFile) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporters.traces))
    with provider.get_tracer("shop").start_as_current_span("pay") as span:
        span.set_attribute("amount", 3)
    provider.shutdown()
    otlp_file.wait_for("traces", 1)
    [arrived] = otlp_file.records("traces")
    assert (arrived["name"], arrived["traceId"]) == ("pay", f"{span.get_span_context().trace_id:032x}")
    assert arrived["attributes"] == [{"key": "amount", "value": {"intValue": "3"}}]
    check_resource(otlp_file, "traces")


def test_a_log_record(exporters: Exporters, otlp_file: OtlpFile) -> None:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporters.logs))
    provider.get_logger("shop").emit(LogRecord(body="card declined", severity_number=SeverityNumber.WARN))
    provider.shutdown()
    otlp_file.wait_for("logs", 1)
    [arrived] = otlp_file.records("logs")
    assert (arrived["body"], arrived["severityNumber"]) == ({"stringValue": "card declined"}, 13)
    check_resource(otlp_file, "logs")


def test_a_metric(exporters: Exporters, otlp_file: OtlpFile) -> None:
    reader = PeriodicExportingMetricReader(exporters.metrics, 3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    provider.get_meter("shop").create_counter("payments").add(7)
    provider.shutdown()
    otlp_file.wait_for("metrics", 1)
    [arrived] = otlp_file.records("metrics")
    assert (arrived["name"], arrived["sum"]["dataPoints"][0]["asInt"]) == ("payments", "7")
    check_resource(otlp_file, "metrics")
