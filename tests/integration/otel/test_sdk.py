"""What an application sends with the OpenTelemetry SDK comes out at the next hop, enriched."""

from __future__ import annotations

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from brain_lab.servers.server import free_port
from tests.integration.otel.conftest import ProcessorFactory
from tests.servers.otlp_file import OtlpFile, resource_of

RESOURCE = Resource({"service.name": "checkout", "k8s.cluster.name": "own"})
ENRICHED = {"service.name": "checkout", "deployment.environment.name": "production", "team": "shop"}


@pytest.fixture
def endpoint(processor: ProcessorFactory, otlp_file: OtlpFile) -> str:
    """A processor's, in front of the file."""
    return f"http://{processor(listens=free_port(), sends_to=otlp_file.address, team='shop').intake}"


def check_resource(end: OtlpFile, signal: str) -> None:
    """It has what the application said, which wins, and what the processor added."""
    [group] = end.groups(signal)
    assert ENRICHED.items() <= resource_of(group).items()
    assert resource_of(group)["k8s.cluster.name"] == "own"


def test_a_trace(endpoint: str, otlp_file: OtlpFile) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint, insecure=True)))
    with provider.get_tracer("shop").start_as_current_span("pay") as span:
        span.set_attribute("amount", 3)
    provider.shutdown()
    otlp_file.wait_for("traces", 1)
    [arrived] = otlp_file.records("traces")
    assert (arrived["name"], arrived["traceId"]) == ("pay", f"{span.get_span_context().trace_id:032x}")
    assert arrived["attributes"] == [{"key": "amount", "value": {"intValue": "3"}}]
    check_resource(otlp_file, "traces")


def test_a_log_record(endpoint: str, otlp_file: OtlpFile) -> None:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint, insecure=True)))
    provider.get_logger("shop").emit(LogRecord(body="card declined", severity_number=SeverityNumber.WARN))
    provider.shutdown()
    otlp_file.wait_for("logs", 1)
    [arrived] = otlp_file.records("logs")
    assert (arrived["body"], arrived["severityNumber"]) == ({"stringValue": "card declined"}, 13)
    check_resource(otlp_file, "logs")


def test_a_metric(endpoint: str, otlp_file: OtlpFile) -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint, insecure=True), 3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    provider.get_meter("shop").create_counter("payments").add(7)
    provider.shutdown()
    otlp_file.wait_for("metrics", 1)
    [arrived] = otlp_file.records("metrics")
    assert (arrived["name"], arrived["sum"]["dataPoints"][0]["asInt"]) == ("payments", "7")
    check_resource(otlp_file, "metrics")
