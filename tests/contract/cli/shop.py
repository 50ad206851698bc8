"""A Prometheus that knows a front and a cart it calls; the cart became slow ten minutes before ``END``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from tests.fakes.http_server import Answer, FakeServer

END = 1_750_000_200.0
ONSET = END - 600
KEPT = 6 * 3600.0  # seconds: nothing is known of the day before
USUAL = {"front": 0.2, "cart": 0.05, "idle": 0.1}
SLOWER = {"front": 3.0, "cart": 9.0, "idle": 1.0}


class FakePrometheus(FakeServer):
    """Latencies by the recording rule, and one edge; everything else has no series.

    Attributes:
        suffix: Appended to the names of services, as a hostile label would be.
        refused: Queries that hold this text are refused; empty for none.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.suffix = ""
        self.refused = ""

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if self.refused and self.refused in form["query"]:
            return Answer(422, {"status": "error", "error": "too [bold]many[/] samples"})
        found = self._series(form["query"], float(form["start"]), float(form["end"]), float(form["step"]))
        return Answer(200, {"status": "success", "data": {"resultType": "matrix", "result": found}})

    def _series(self, query: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        times = np.arange(start, end + step / 2, step)
        if start < END - KEPT:
            return []
        if "service:request_duration_seconds:p99" in query:
            return [self._latency(name, times) for name in USUAL]
        if "client" in query and "traces_service_graph_request_total" in query:
            labels = {"client": f"front{self.suffix}", "server": f"cart{self.suffix}"}
            return [_one(labels, times, np.ones(len(times)))]
        return []

    def _latency(self, name: str, times: np.ndarray) -> dict[str, Any]:
        noise = np.random.default_rng(zlib.crc32(name.encode())).normal(1.0, 0.02, len(times))
        values = USUAL[name] * noise * np.where(times >= ONSET, SLOWER[name], 1.0)
        return _one({"service": f"{name}{self.suffix}", "namespace": "shop", "cluster": "lab"}, times, values)


def _one(labels: Mapping[str, str], times: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    return {"metric": dict(labels), "values": [[at, f"{value:.6f}"] for at, value in zip(times, values, strict=True)]}


def group(folder: Path, *, status: str = "firing", **labels: str) -> Path:
    """The payload of an alert about the front that began two minutes before ``END``."""
    about = {"alertname": "ServiceSlow", "cluster": "lab", "namespace": "shop", "service": "front", **labels}
    alert = {"status": status, "labels": about, "startsAt": "2025-06-15T15:08:00Z", "endsAt": "2025-06-15T15:09:00Z"}
    payload = {
        "version": "4",
        "groupKey": "{}",
        "status": status,
        "receiver": "brain",
        "groupLabels": {"namespace": "shop"},
        "alerts": [alert],
    }
    path = folder / "group.json"
    path.write_text(json.dumps(payload))
    return path
