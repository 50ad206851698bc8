"""The service graph of a real processor: Prometheus and the judgement read it, a Collector counts the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from prometheus_client.parser import text_string_to_metric_families

from brain_lab.servers.collector import Collector
from brain_lab.servers.server import free_port
from brain_rca.evidence.catalogue import load_catalogue
from tests.integration.otel.conftest import ProcessorFactory
from tests.integration.otel.processor import Processor
from tests.servers.fixtures import CollectorFactory, PrometheusFactory
from tests.servers.otlp_file import eventually
from tests.unit.otel.graph.calls import CLIENT, CONSUMER, EDGE, INTERNAL, PRODUCER, SERVER, One, request

DIMENSION: Final = "k8s.namespace.name"
GRAPH: Final[dict[str, Any]] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:INTAKE}"}}}},
    "connectors": {
        "servicegraph": {"dimensions": [DIMENSION], "metrics_flush_interval": "1s", "store": {"ttl": "30s"}}
    },
    "exporters": {"prometheus": {"endpoint": "${env:SHOWN}"}},
    "service": {
        "pipelines": {
            "traces": {"receivers": ["otlp"], "exporters": ["servicegraph"]},
            "metrics": {"receivers": ["servicegraph"], "exporters": ["prometheus"]},
        }
    },
}
CALLS: Final = (
    One("web", CLIENT, 2, 1),
    One("cart", INTERNAL, 3, 2),
    One("cart", SERVER, 4, 2),
    One("cart", CLIENT, 5, 4, {"db.name": "orders", "db.system": "postgresql"}),
    One("cart", CLIENT, 6, 4),
    One("pay", SERVER, 7, 6, status=2),
    One("pay", PRODUCER, 8, 7),
    One("mail", CONSUMER, 9, 8),
)
EXPECTED: Final = {
    ("web", "cart", ""),
    ("cart", "orders", "database"),
    ("cart", "pay", ""),
    ("pay", "mail", "messaging_system"),
}


@pytest.fixture
def other(collector: CollectorFactory) -> Collector:
    """A Collector that makes a service graph itself."""
    return collector(GRAPH, addresses=["INTAKE", "SHOWN"])


@pytest.fixture
def ours(processor: ProcessorFactory, other: Collector) -> Processor:
    """A processor in front of it."""
    return processor(listens=free_port(), sends_to=other.at("INTAKE"))


def send(to: Processor, trace: int) -> None:
    """One trace with a call of each kind."""
    spans = [replace(one, trace=trace) for one in CALLS]
    with grpc.insecure_channel(to.intake) as channel:
        trace_grpc.TraceServiceStub(channel).Export(request(*spans, **{DIMENSION: "shop"}).message, timeout=20)


def counted(url: str, name: str) -> dict[tuple[str, str, str], float]:
    """Calls by client, server and connection type."""
    found: dict[tuple[str, str, str], float] = {}
    for family in text_string_to_metric_families(httpx.get(url).text):
        for sample in family.samples:
            if sample.name == name:
                key = (sample.labels["client"], sample.labels["server"], sample.labels.get("connection_type", ""))
                found[key] = found.get(key, 0) + sample.value
    return {key: value for key, value in found.items() if value}


def test_the_collectors_connector_counts_the_same(ours: Processor, other: Collector) -> None:
    for trace in range(1, 6):
        send(ours, trace)
    theirs = f"http://{other.at('SHOWN')}/metrics"
    eventually(lambda: counted(theirs, f"{EDGE}_total") == dict.fromkeys(EXPECTED, 5.0))
    for name in (f"{EDGE}_total", f"{EDGE}_failed_total"):
        eventually(lambda name=name: counted(f"{ours.url}/metrics", name) == counted(theirs, name))
    assert counted(theirs, f"{EDGE}_failed_total") == {("cart", "pay", ""): 5.0}


def test_the_judgement_finds_who_calls_whom(ours: Processor, prometheus: PrometheusFactory) -> None:
    scrape = {"job_name": "otel", "static_configs": [{"targets": [ours.address]}]}
    server = prometheus(config={"global": {"scrape_interval": "500ms"}, "scrape_configs": [scrape]})
    query = load_catalogue().edges["service_graph"].query
    traces = iter(range(1, 1000))

    def found() -> bool:
        send(ours, next(traces))
        answer = httpx.get(f"{server.url}/api/v1/query", params={"query": query}).json()["data"]["result"]
        edges = {(row["metric"]["client"], row["metric"]["server"]) for row in answer}
        spaces = {row["metric"].get("client_k8s_namespace_name") for row in answer}
        return edges == {(client, called) for client, called, _ in EXPECTED} and spaces == {"shop"}

    eventually(found)
