"""The end of the line in tests of telemetry: a Collector that writes what it gets into a file, and what is in there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brain_lab.servers.collector import Collector

INTAKE: Final = "OTLP_GRPC_ENDPOINT"

GROUPS: Final = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}
SCOPES: Final = {"traces": "scopeSpans", "logs": "scopeLogs", "metrics": "scopeMetrics"}
RECORDS: Final = {"traces": "spans", "logs": "logRecords", "metrics": "metrics"}


def receiver() -> dict[str, Any]:
    """An OTLP receiver at the address in `OTLP_GRPC_ENDPOINT`, for requests of any size."""
    return {"otlp": {"protocols": {"grpc": {"endpoint": f"${{env:{INTAKE}}}", "max_recv_msg_size_mib": 256}}}}


def pipelines(exporter: str) -> dict[str, Any]:
    """All three signals from the OTLP receiver to one exporter."""
    return {signal: {"receivers": ["otlp"], "exporters": [exporter]} for signal in GROUPS}


def into_file(path: Path) -> dict[str, Any]:
    """Configuration of a Collector that writes all it gets into a file, a request a line."""
    return {
        "receivers": receiver(),
        "exporters": {"file": {"path": str(path)}},
        "service": {"pipelines": pipelines("file")},
    }


@dataclass(frozen=True)
class OtlpFile:
    """What has arrived.

    Attributes:
        path: The file of `into_file`.
        server: The Collector that writes it.
    """

    path: Path
    server: Collector

    @property
    def address(self) -> str:
        """Where it takes OTLP/gRPC."""
        return self.server.at(INTAKE)

    def groups(self, signal: str) -> Iterator[dict[str, Any]]:
        """Records by resource, as OTLP's JSON has them."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []
        for line in lines:
            if line.endswith("\n"):  # it may be about to write the last one
                yield from json.loads(line).get(GROUPS[signal], [])

    def records(self, signal: str) -> list[dict[str, Any]]:
        """All of a signal."""
        return [record for group in self.groups(signal) for record in records_of(signal, group)]

    def wait_for(self, signal: str, count: int, timeout: float = 60) -> None:
        """Return once so many records have arrived; more are a failure."""
        eventually(lambda: len(self.records(signal)) >= count, timeout)
        assert len(self.records(signal)) == count


def records_of(signal: str, group: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of one resource."""
    return [record for scope in group[SCOPES[signal]] for record in scope[RECORDS[signal]]]


def resource_of(group: dict[str, Any]) -> dict[str, Any]:
    """The attributes of its resource, those that are text."""
    pairs = group["resource"].get("attributes", [])
    return {pair["key"]: pair["value"].get("stringValue") for pair in pairs}


def eventually(holds: Callable[[], bool], timeout: float = 30) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
