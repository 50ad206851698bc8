"""Export requests like those of a busy cluster, made once; each use gets numbers of its own stamped into its bytes.

Encoding a request in Python costs more than the processor's whole work on it, so the generator only patches bytes: a
record's number is in its span id, and eight records in a row are one trace. The sink finds the numbers by
the bytes around them, without decoding.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Kind = Literal["logs", "spans"]

METHODS: Final[dict[Kind, str]] = {
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "spans": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
RESOURCES: Final = 10
"""Pods, of a service each, that the records of a request come from."""

NAMESPACE: Final = "shop"
TRACE: Final = 8
"""Records of a trace."""

PER_REQUEST: Final = 1_000
"""Records of a request, as of an agent on a busy node."""

_MARK: Final = b"\x08brn"  # length of a span id, and what is in front of a record's number in it
_DIGITS: Final = 5  # bytes of a record's number
_TRACE_MARK: Final = b"\x10\x5abrain\x00\x00\x00"  # the same of a trace id
_TRACE_DIGITS: Final = 7
_RECORD_TAGS: Final = b"\x12\x52"  # of field 2 of a span, 10 of a log record: the span id
_PARENT_TAGS: Final = b"\x22"  # of field 4 of a span
_TRACE_TAGS: Final = b"\x0a\x4a"  # of field 1 of a span, 9 of a log record
_CALLS: Final = (  # of a trace: place of the service among its three, span kind, place of the parent
    (0, Span.SPAN_KIND_SERVER, None),
    (0, Span.SPAN_KIND_CLIENT, 0),
    (1, Span.SPAN_KIND_SERVER, 1),
    (1, Span.SPAN_KIND_CLIENT, 2),  # a database
    (0, Span.SPAN_KIND_CLIENT, 0),
    (2, Span.SPAN_KIND_SERVER, 4),
    (2, Span.SPAN_KIND_CLIENT, 5),  # a database
    (2, Span.SPAN_KIND_INTERNAL, 5),
)
_DATABASES: Final = {3: "redis", 6: "postgresql"}

Places = NDArray[np.int64]


def pod_name(number: int) -> str:
    """Of the pod behind one of the resources."""
    return f"{service_name(number)}-0"


def service_name(number: int) -> str:
    """Of the service behind one of the resources."""
    return f"service-{number}"


@dataclass(frozen=True, slots=True)
class Template:
    """A request whose numbers count from 0.

    Attributes:
        body: Its bytes.
        patches: Where in it numbers are, how many bytes each has, the numbers, and by what a use's first is divided.
    """

    body: bytes
    patches: tuple[tuple[Places, int, Places, int], ...]

    @classmethod
    def of(cls, kind: Kind) -> Template:
        """A request of ``PER_REQUEST`` records."""
        body = (_logs() if kind == "logs" else _spans()).SerializeToString()
        data = np.frombuffer(body, np.uint8)
        records, parents = (_places(data, tags, _MARK, _DIGITS) for tags in (_RECORD_TAGS, _PARENT_TAGS))
        traces = _places(data, _TRACE_TAGS, _TRACE_MARK, _TRACE_DIGITS)
        found = [(records, _DIGITS, 1), (parents, _DIGITS, 1), (traces, _TRACE_DIGITS, TRACE)]
        return cls(body, tuple((at, digits, _numbers(data, at, digits), each) for at, digits, each in found))

    def stamped(self, first: int) -> bytes:
        """The same request with numbers that count from ``first``, a multiple of the records of a trace."""
        data = np.frombuffer(self.body, np.uint8).copy()
        for places, digits, numbers, each in self.patches:
            values = numbers + first // each
            for digit in range(digits):
                data[places + digit] = (values >> 8 * (digits - 1 - digit)) & 0xFF
        return data.tobytes()


def numbers_in(body: bytes) -> Places:
    """Numbers of the records in a request, whoever has encoded it."""
    data = np.frombuffer(body, np.uint8)
    return _numbers(data, _places(data, _RECORD_TAGS, _MARK, _DIGITS), _DIGITS)


def _places(data: NDArray[np.uint8], tags: bytes, mark: bytes, digits: int) -> Places:
    """Where numbers begin: after a mark that has one of the tags in front."""
    found = np.flatnonzero(data[1 : 1 - len(mark) - digits] == mark[0]) + 1
    for place, byte in enumerate(mark):
        found = found[data[found + place] == byte]
    return found[np.isin(data[found - 1], list(tags))] + len(mark)


def _numbers(data: NDArray[np.uint8], places: Places, digits: int) -> Places:
    """The big-endian numbers at some places."""
    values = np.zeros(len(places), np.int64)
    for digit in range(digits):
        values = values << 8 | data[places + digit]
    return values


def _span_id(number: int) -> bytes:
    return _MARK[1:] + number.to_bytes(_DIGITS, "big")


def _trace_id(number: int) -> bytes:
    return _TRACE_MARK[1:] + (number // TRACE).to_bytes(_TRACE_DIGITS, "big")


def _put(attributes: Any, values: dict[str, str | int]) -> None:  # noqa: ANN401 - protobuf's repeated field
    for key, value in values.items():
        pair = attributes.add(key=key)
        if isinstance(value, str):
            pair.value.string_value = value
        else:
            pair.value.int_value = value


def _resource(number: int) -> Resource:
    resource = Resource()
    _put(
        resource.attributes,
        {
            "service.name": service_name(number),
            "service.namespace": NAMESPACE,
            "service.version": "1.4.2",
            "service.instance.id": f"{number:08d}-5a7e-4c1b-9d2e-3f4a5b6c7d8e",
            "k8s.namespace.name": NAMESPACE,
            "k8s.pod.name": pod_name(number),
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "java",
            "telemetry.sdk.version": "1.49.0",
        },
    )
    return resource


def _logs() -> ExportLogsServiceRequest:
    request, now = ExportLogsServiceRequest(), time.time_ns()
    scopes = []
    for number in range(RESOURCES):
        group = request.resource_logs.add(resource=_resource(number))
        scopes.append(group.scope_logs.add(scope={"name": "com.example.shop.Orders"}))
    for number in range(PER_REQUEST):
        record = scopes[number * RESOURCES // PER_REQUEST].log_records.add(
            time_unix_nano=now,
            observed_time_unix_nano=now,
            severity_number=9 if number % 50 else 17,
            severity_text="INFO" if number % 50 else "ERROR",
            trace_id=_trace_id(number),
            span_id=_span_id(number),
        )
        record.body.string_value = (
            f"Order {number * 7919 % 100_000:06d} of customer {number * 104_729 % 1_000_000:07d} was accepted in "
            f"{number % 90 + 5} ms: reserved {number % 7 + 1} items in warehouse eu-central-{number % 4}, payment by "
            f"card {number * 31 % 10_000:04d} authorised, confirmation queued for the mail gateway; nothing else to do"
        )
        _put(
            record.attributes,
            {
                "thread.name": f"http-nio-8080-exec-{number % 20}",
                "http.request.method": "POST",
                "http.route": "/api/v1/orders/{id}",
                "http.response.status_code": 200 if number % 50 else 500,
            },
        )
    return request


def _spans() -> ExportTraceServiceRequest:
    request, now = ExportTraceServiceRequest(), time.time_ns()
    scopes = []
    for number in range(RESOURCES):
        group = request.resource_spans.add(resource=_resource(number))
        scopes.append(group.scope_spans.add(scope={"name": "io.opentelemetry.spring-webmvc", "version": "2.15.0"}))
    for number in range(PER_REQUEST):
        trace, place = divmod(number, TRACE)
        services = (trace % RESOURCES, (trace + 3) % RESOURCES, (trace + 7) % RESOURCES)
        _span(scopes[services[_CALLS[place][0]]].spans, number, now)
    return request


def _span(spans: Any, number: int, now: int) -> None:  # noqa: ANN401 - protobuf's repeated field
    place = number % TRACE
    _, kind, parent = _CALLS[place]
    span = spans.add(
        trace_id=_trace_id(number),
        span_id=_span_id(number),
        parent_span_id=b"" if parent is None else _span_id(number - place + parent),
        name="POST /api/v1/orders/{id}",
        kind=kind,
        start_time_unix_nano=now,
        end_time_unix_nano=now + (number * 7919 % 200 + 1) * 1_000_000,
        status={"code": 2 if number % 100 == 0 else 1},
    )
    if place in _DATABASES:
        _put(span.attributes, {"db.system.name": _DATABASES[place], "db.namespace": "orders", "server.port": 5432})
        _put(span.attributes, {"db.query.text": "SELECT id, state FROM orders WHERE customer = ? AND state <> ?"})
        return
    _put(
        span.attributes,
        {
            "http.request.method": "POST",
            "http.route": "/api/v1/orders/{id}",
            "http.response.status_code": 500 if number % 100 == 0 else 200,
            "server.address": "orders.shop.svc.cluster.local",
            "network.protocol.version": "1.1",
        },
    )
