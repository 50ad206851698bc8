"""Istio's standard metrics as the clients' sidecars report them: they see the network in between."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape, ever
from brain_lab.platforms.model import Service
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK, Array

LEAST_RATE = 0.2
"""Requests/s below which an edge is left out, as a federation with few series would."""


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Requests by response code and duration of the busier edges between services."""
    recording, platform = scrape.recording, scrape.recording.platform
    all_flow = recording.edges["flow"]
    shown = np.array(
        [
            n
            for n, (_, call) in enumerate(recording.calls)
            if isinstance(platform.by_name[call.to], Service) and all_flow[:, n].mean() > LEAST_RATE
        ],
        dtype=np.int64,
    )
    flow = all_flow[:, shown].astype(np.float64)
    callee = np.array([recording.station_index[recording.calls[n][1].to] for n in shown], dtype=np.int64)
    labels = [_labels(scrape, n) for n in shown]
    codes = dict(_codes(scrape, flow, recording.edges["failing"][:, shown].astype(np.float64), callee))
    for (code, flags), rates in codes.items():
        columns = ever(rates)
        own = [{**labels[n], "response_code": code, "response_flags": flags} for n in columns]
        values = scrape.count(f"istio {code}", rates[:, columns])
        at = [labels[n]["source_workload"] for n in columns]
        yield from scrape.series("istio_requests_total", values, own, counter=True, targets=at)
    at = [own["source_workload"] for own in labels]
    count = scrape.count("istio", flow)
    yield from scrape.series("istio_request_duration_milliseconds_count", count, labels, counter=True, targets=at)
    tries = np.maximum(recording.edges["seconds"][:, shown].astype(np.float64), 0.0)
    sums = scrape.counter("istio", scrape.noisy("istio", flow * tries * 1000.0, 0.04))
    yield from scrape.series("istio_request_duration_milliseconds_sum", sums, labels, counter=True, targets=at)


def _codes(scrape: Scrape, flow: Array, failing: Array, callee: np.ndarray) -> Iterator[tuple[tuple[str, str], Array]]:
    """[T, n] requests/s for each (response code, flags): rate limited, timed out or failed, and good."""
    stations = scrape.recording.stations
    limited = stations["limited"][:, callee] / np.maximum(stations["offered"][:, callee], 1e-9)
    rng = scrape.rng("istio codes")
    limits = flow * np.minimum(limited, failing)
    failures = rng.poisson(np.maximum(flow * failing - limits, 0.0) * TICK) / TICK
    yield ("200", "-"), np.maximum(flow - limits - failures, 0.0)
    yield ("503", "UF"), failures
    yield ("429", "RL"), limits


def _labels(scrape: Scrape, edge: int) -> dict[str, str]:
    caller, call = scrape.recording.calls[edge]
    platform = scrape.recording.platform
    source, target = platform.service(caller), platform.service(call.to)
    return {
        "reporter": "source",
        "source_workload": source.name,
        "source_workload_namespace": source.namespace,
        "destination_workload": target.name,
        "destination_workload_namespace": target.namespace,
        "destination_service_name": target.name,
    }
