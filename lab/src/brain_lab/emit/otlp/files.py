"""OTLP files as the Collector's file exporter writes them, so that its otlpjsonfile receiver reads them.

https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter: `format: json` is one
request a line; `format: proto` is each request behind its length, four bytes, big-endian.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

BATCH: Final = 8192
"""Records of one request, as the Collector's batch processor has by default."""


class Message(Protocol):
    """A message of protobuf."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Its bytes."""


def write_json_lines(path: Path, requests: Iterable[str]) -> Path:
    """Write one request a line; returns the path. No request makes an empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for request in requests:
            out.write(request)
            out.write("\n")
    return path


def write_framed(path: Path, requests: Iterable[Message]) -> Path:
    """Write requests, each behind its length; returns the path. No request makes an empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for request in requests:
            raw = request.SerializeToString()
            out.write(len(raw).to_bytes(4, "big"))
            out.write(raw)
    return path
