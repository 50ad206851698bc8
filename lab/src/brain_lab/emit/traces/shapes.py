"""How a call between two parts looks as spans: names, kinds and attributes by OpenTelemetry's semantic conventions.

https://opentelemetry.io/docs/specs/semconv/ (1.30): HTTP and database are the stable ones; `db.system`, `db.name` and
`peer.service` are their older names, which Tempo's and the Collector's service graphs still look at for callees that
report no spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from brain_lab.emit.records import Attributes, SpanKind, SpanShape


class Protocol(StrEnum):
    """What a call is made with."""

    HTTP = "http"
    GRPC = "grpc"
    SQL = "postgresql"
    REDIS = "redis"
    KAFKA = "kafka"
    JOB = "job"  # begins by itself: nobody calls it


@dataclass(frozen=True, slots=True)
class Edge:
    """A kind of call.

    Attributes:
        callee: Service name of the callee; for Kafka, of the consumer.
        protocol: What it is made with.
        operation: `POST /transfers`; `ledger.v1.Ledger/Post`; `SELECT entries`; `GET`; for Kafka the topic, for a job
            its name.
        port: Of the callee.
        database: Name of the database; empty for what is none.
        group: Kafka consumer group; empty: the callee's name.
    """

    callee: str
    protocol: Protocol
    operation: str
    port: int = 8080
    database: str = ""
    group: str = ""


def client_shape(edge: Edge) -> SpanShape:
    """The caller's side."""
    peer: Attributes = {"server.address": edge.callee, "server.port": edge.port, "peer.service": edge.callee}
    match edge.protocol:
        case Protocol.HTTP:
            method, _, path = edge.operation.partition(" ")
            url = f"http://{edge.callee}:{edge.port}{path}"
            more = {"http.request.method": method, "url.full": url, "url.template": path}
            return SpanShape(edge.operation, SpanKind.CLIENT, {**peer, **more}, "http.response.status_code")
        case Protocol.GRPC:
            return SpanShape(edge.operation, SpanKind.CLIENT, {**peer, **_rpc(edge)}, "rpc.grpc.status_code")
        case Protocol.SQL | Protocol.REDIS:
            return SpanShape(_database_name(edge), SpanKind.CLIENT, {**peer, **_database(edge)})
        case Protocol.KAFKA:
            # The peer is the broker, which many consumers share: no peer.service.
            return SpanShape(f"send {edge.operation}", SpanKind.PRODUCER, _messaging(edge, "send"))
        case Protocol.JOB:
            return SpanShape(f"run {edge.operation}", SpanKind.INTERNAL, {"job.name": edge.operation})
        case _:
            assert_never(edge.protocol)


def server_shape(edge: Edge) -> SpanShape:
    """The callee's side."""
    here: Attributes = {"server.address": edge.callee, "server.port": edge.port}
    match edge.protocol:
        case Protocol.HTTP:
            method, _, path = edge.operation.partition(" ")
            more = {"http.request.method": method, "http.route": path, "url.path": path, "url.scheme": "http"}
            return SpanShape(edge.operation, SpanKind.SERVER, {**here, **more}, "http.response.status_code")
        case Protocol.GRPC:
            return SpanShape(edge.operation, SpanKind.SERVER, {**here, **_rpc(edge)}, "rpc.grpc.status_code")
        case Protocol.SQL | Protocol.REDIS:
            return SpanShape(_database_name(edge), SpanKind.SERVER, {**here, **_database(edge)})
        case Protocol.KAFKA:
            message = {**_messaging(edge, "process"), "messaging.consumer.group.name": edge.group or edge.callee}
            return SpanShape(f"process {edge.operation}", SpanKind.CONSUMER, message)
        case Protocol.JOB:
            return SpanShape(f"run {edge.operation}", SpanKind.INTERNAL, {"job.name": edge.operation})
        case _:
            assert_never(edge.protocol)


def _rpc(edge: Edge) -> Attributes:
    service, _, method = edge.operation.partition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}


def _database_name(edge: Edge) -> str:
    return f"{edge.operation} {edge.database}" if edge.protocol is Protocol.REDIS and edge.database else edge.operation


def _database(edge: Edge) -> Attributes:
    verb, _, table = edge.operation.partition(" ")
    found = {
        "db.system.name": edge.protocol.value,
        "db.system": edge.protocol.value,
        "db.namespace": edge.database,
        "db.name": edge.database or edge.callee,
        "db.operation.name": verb,
        "db.collection.name": table,
        "db.query.text": _statement(verb, table) if edge.protocol is Protocol.SQL else "",
    }
    return {key: value for key, value in found.items() if value}


def _statement(verb: str, table: str) -> str:
    """For show only: nothing runs it."""
    patterns = {
        "INSERT": "INSERT INTO {} (id, body) VALUES ($1, $2)",
        "UPDATE": "UPDATE {} SET body = $2 WHERE id = $1",
        "DELETE": "DELETE FROM {} WHERE id = $1",
    }
    return patterns.get(verb, "SELECT * FROM {} WHERE id = $1").format(table)


def _messaging(edge: Edge, action: str) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": edge.operation,
        "messaging.operation.name": action,
        "messaging.operation.type": action,
    }
