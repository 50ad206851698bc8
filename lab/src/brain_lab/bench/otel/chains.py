"""What is measured: the Collector alone, with its own processors, and with ours behind it; each a chain that ends in the sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brain_lab.bench.otel.programs import Processor, Sink
from brain_lab.servers.collector import Collector

INTAKE: Final = "OTLP_GRPC_ENDPOINT"
_RECEIVER: Final = {"otlp": {"protocols": {"grpc": {"endpoint": f"${{env:{INTAKE}}}", "max_recv_msg_size_mib": 64}}}}
_BATCH: Final = {"min_size": 8192, "flush_timeout": "200ms", "sizer": "items"}  # the Collector's defaults
_QUEUE: Final = {"wait_for_result": True, "block_on_overflow": True, "batch": _BATCH}


def exporter(address: str, queue: Mapping[str, Any] = _QUEUE) -> dict[str, Any]:
    """Of OTLP/gRPC, never tired of trying again."""
    retry = {"initial_interval": "100ms", "max_interval": "1s", "max_elapsed_time": 0}
    return {
        "endpoint": address,
        "tls": {"insecure": True},
        "compression": "none",
        "sending_queue": queue,
        "retry_on_failure": retry,
    }


def collector(
    folder: Path,
    exporters: Mapping[str, Any],
    *,
    processors: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Collector:
    """A Collector that takes logs and traces to its exporters; ``more`` is merged into its configuration's top level."""
    steps = processors or {}
    pipeline = {"receivers": ["otlp"], "processors": list(steps), "exporters": list(exporters)}
    config = {
        "receivers": _RECEIVER,
        "processors": steps,
        "exporters": exporters,
        "service": {"pipelines": {"logs": pipeline, "traces": pipeline}},
        **(more or {}),
    }
    return Collector(data_dir=folder, config=config, addresses=[INTAKE])
