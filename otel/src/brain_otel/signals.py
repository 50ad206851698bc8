"""The three signals of OTLP: their messages, gRPC methods and HTTP paths.

https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


class Signal(StrEnum):
    """What a request carries."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Wire:
    """How one signal travels.

    Attributes:
        signal: Which.
        request: Message class of the export request.
        response: Message class of the answer.
        service: Full name of the gRPC service; its one method is ``Export``.
        path: Of OTLP/HTTP.
        groups: Field of the request with a message per resource.
        scopes: Field of that with a message per instrumentation scope.
        records: Field of that with the spans, metrics or log records.
        rejected: Field of ``partial_success`` that counts what was refused.
    """

    signal: Signal
    request: type[Any]
    response: type[Any]
    service: str
    path: str
    groups: str
    scopes: str
    records: str
    rejected: str

    @property
    def method(self) -> str:
        """Path of the gRPC method."""
        return f"/{self.service}/Export"


_SERVICES: Final = "opentelemetry.proto.collector"

WIRES: Final = {
    Signal.TRACES: Wire(
        signal=Signal.TRACES,
        request=trace_service_pb2.ExportTraceServiceRequest,
        response=trace_service_pb2.ExportTraceServiceResponse,
        service=f"{_SERVICES}.trace.v1.TraceService",
        path="/v1/traces",
        groups="resource_spans",
        scopes="scope_spans",
        records="spans",
        rejected="rejected_spans",
    ),
    Signal.METRICS: Wire(
        signal=Signal.METRICS,
        request=metrics_service_pb2.ExportMetricsServiceRequest,
        response=metrics_service_pb2.ExportMetricsServiceResponse,
        service=f"{_SERVICES}.metrics.v1.MetricsService",
        path="/v1/metrics",
        groups="resource_metrics",
        scopes="scope_metrics",
        records="metrics",
        rejected="rejected_data_points",
    ),
    Signal.LOGS: Wire(
        signal=Signal.LOGS,
        request=logs_service_pb2.ExportLogsServiceRequest,
        response=logs_service_pb2.ExportLogsServiceResponse,
        service=f"{_SERVICES}.logs.v1.LogsService",
        path="/v1/logs",
        groups="resource_logs",
        scopes="scope_logs",
        records="log_records",
        rejected="rejected_log_records",
    ),
}
