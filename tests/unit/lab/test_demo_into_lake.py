"""What the demo writes into the lake is what the lake's own reader finds there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brain_lab.demo import generate
from brain_lab.demo.into_lake import write
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader


def test_samples_calls_and_events_come_back(tmp_path: Path) -> None:
    incident = generate(7, 1_790_000_000.0)
    write(incident, tmp_path)
    start, end = float(incident.times[0]), float(incident.times[-1]) + 15.0
    reader = LakeReader(LakeLocation.local(tmp_path))

    metrics = reader.metrics(start, end, 15.0).to_pylist()
    assert len(metrics) == len(incident.samples) * len(incident.times)
    found = {
        row["at"]: row["value"]
        for row in metrics
        if row["name"] == "ledger-db" and row["signal"] == "service_latency_p99"
    }
    expected = incident.samples[incident.cause, "service_latency_p99"]
    assert np.allclose([found[at] for at in incident.times], expected, rtol=1e-12)
    assert {row["kind"] for row in metrics if row["name"] == "ledger-db"} == {"database"}

    edges = {(row["dependent"], row["dependency"]) for row in reader.edges(end - 600.0, end).to_pylist()}
    assert edges == {(str(caller), str(callee)) for caller, callee in incident.edges}
    events = reader.events(start, end).to_pylist()
    assert [(row["at"], row["reason"]) for row in events] == [(e.at, e.reason) for e in incident.events]
