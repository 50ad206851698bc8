"""What is measured: a Collector alone, one that does our work with its own parts, and ours; each ends in the sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from brain_lab.bench.otel.programs import Processor, Sink
from brain_lab.servers.collector import Collector

Shape = Literal["direct", "inside", "ours", "through", "balanced"]
"""``direct``: Collector, sink. ``inside``: the same with k8sattributes and servicegraph in it.

``ours``: Collector, processor, sink. ``through``: Collector, processor, Collector, sink. ``balanced``: Collector that
spreads traces over processors, sink.
"""

INTAKE: Final = "OTLP_GRPC_ENDPOINT"
GRAPH: Final = "GRAPH_ENDPOINT"
_RECEIVER: Final = {"otlp": {"protocols": {"grpc": {"endpoint": f"${{env:{INTAKE}}}", "max_recv_msg_size_mib": 64}}}}
_BATCH: Final = {"min_size": 8192, "flush_timeout": "200ms", "sizer": "items"}
"""The batch processor's defaults; in the exporter, so that the sender is answered when the batch was accepted."""

QUEUE: Final = {"wait_for_result": True, "block_on_overflow": True, "batch": _BATCH}
KEPT_QUEUE: Final = {"storage": "file_storage", "queue_size": 10_000, "block_on_overflow": True}
"""On disk: the sender is answered when the request is there."""

_KEPT: Final = {"extensions": {"file_storage": {"directory": "${env:FILE_STORAGE_DIR}"}}}
_NAMES: Final = ("k8s.pod.name", "k8s.namespace.name")
_METADATA: Final = ("k8s.pod.uid", "k8s.node.name", "k8s.statefulset.name", "k8s.deployment.name", "k8s.pod.start_time")


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One that runs.

    Attributes:
        intake: Address to send to.
        sink: Its end.
        collector: Its first Collector.
        processors: Ours in it.
    """

    intake: str
    sink: Sink
    collector: Collector
    processors: tuple[Processor, ...]


def exporter(address: str, queue: Mapping[str, Any] = QUEUE) -> dict[str, Any]:
    """Of OTLP/gRPC, never tired of trying again."""
    retry = {"initial_interval": "100ms", "max_interval": "1s", "max_elapsed_time": 0}
    return {
        "endpoint": address,
        "tls": {"insecure": True},
        "compression": "none",
        "sending_queue": queue,
        "retry_on_failure": retry,
    }


def collector(folder: Path, address: str, queue: Mapping[str, Any] = QUEUE) -> Collector:
    """One that hands all it gets to an address."""
    config = _pipelines({"otlp_grpc": exporter(address, queue)})
    if "storage" in queue:
        config = {**config, **_KEPT, "service": {**config["service"], "extensions": ["file_storage"]}}
    return Collector(data_dir=folder, config=config, addresses=[INTAKE])


@contextmanager
def chain(
    shape: Shape, folder: Path, capacity: int, kubeconfig: Path, config: Mapping[str, Any], processors: int = 1
) -> Iterator[Chain]:
    """Run it while the block does.

    Args:
        shape: Which.
        folder: Empty, for all its files.
        capacity: Records are numbered below it.
        kubeconfig: Of the API server that has the pods.
        config: Of the processors.
        processors: How many, where traces are spread.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(data_dir=folder / "sink", capacity=capacity))
        end = sink.address
        if shape == "through":
            end = stack.enter_context(collector(folder / "last", end)).at(INTAKE)
        ours = [
            stack.enter_context(Processor(data_dir=folder / f"processor-{number}", next_hop=end, config=config))
            for number in range(processors if shape in ("ours", "through", "balanced") else 0)
        ]
        if shape == "inside":
            first = _inside(folder / "first", end, kubeconfig)
        elif shape == "balanced":
            first = _balanced(folder / "first", [each.address for each in ours])
        else:
            first = collector(folder / "first", ours[0].address if ours else end)
        stack.enter_context(first)
        yield Chain(intake=first.at(INTAKE), sink=sink, collector=first, processors=tuple(ours))


def _pipelines(exporters: Mapping[str, Any], processors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    steps = processors or {}
    pipeline = {"receivers": ["otlp"], "processors": list(steps), "exporters": list(exporters)}
    return {
        "receivers": _RECEIVER,
        "processors": steps,
        "exporters": exporters,
        "service": {"pipelines": {"logs": pipeline, "traces": pipeline}},
    }


def _inside(folder: Path, address: str, kubeconfig: Path) -> Collector:
    sources = [{"from": "resource_attribute", "name": name} for name in _NAMES]
    attributes = {
        "auth_type": "kubeConfig",
        "extract": {"metadata": list(_METADATA)},
        "pod_association": [{"sources": sources}],
    }
    config = _pipelines({"otlp_grpc": exporter(address)}, {"k8sattributes": attributes})
    pipelines = config["service"]["pipelines"]
    traces = {**pipelines["traces"], "exporters": ["otlp_grpc", "servicegraph"]}
    graph = {"receivers": ["servicegraph"], "exporters": ["prometheus"]}
    config = {
        **config,
        "connectors": {"servicegraph": {"store": {"ttl": "10s", "max_items": 100_000}}},
        "exporters": {**config["exporters"], "prometheus": {"endpoint": f"${{env:{GRAPH}}}"}},
        "service": {"pipelines": {**pipelines, "traces": traces, "metrics": graph}},
    }
    environ = {"KUBECONFIG": str(kubeconfig)}
    return Collector(data_dir=folder, config=config, addresses=[INTAKE, GRAPH], environ=environ)


def _balanced(folder: Path, addresses: list[str]) -> Collector:
    sub = {key: value for key, value in exporter("unused").items() if key != "endpoint"}
    spread = {
        "routing_key": "traceID",
        "protocol": {"otlp": {**sub, "sending_queue": {"enabled": False}}},
        "resolver": {"static": {"hostnames": addresses}},
        "sending_queue": {"enabled": True, **QUEUE},
    }
    return Collector(data_dir=folder, config=_pipelines({"loadbalancing": spread}), addresses=[INTAKE])
