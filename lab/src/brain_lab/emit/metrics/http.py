"""OpenTelemetry's HTTP server metrics, as the Collector's Prometheus exporter names them: one set a service.

Buckets of failed requests are dropped at the scrape, a common saving; their count and sum are kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.draft import BOUNDARIES
from brain_lab.platforms.model import Role
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.queueing import tail
from brain_lab.simulate.recording import TICK, Array

METRIC = "http_server_request_duration_seconds"
_SAMPLING = 0.9
"""Relative standard deviation of one latency; the mean over a tick varies by its root."""


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Buckets, counts and sums of all services that serve HTTP."""
    recording = scrape.recording
    services = recording.platform.services
    columns = np.array([n for n, service in enumerate(services) if service.role is Role.HTTP], dtype=np.int64)
    base = [
        {
            "service_name": services[n].name,
            "k8s_namespace_name": services[n].namespace,
            "http_request_method": "POST" if services[n].produces else "GET",
        }
        for n in columns
    ]
    targets = [service["service_name"] for service in base]
    rate = recording.stations["rate"][:, columns].astype(np.float64)
    failed = np.maximum(rate - recording.stations["served"][:, columns], 0.0)
    refused = recording.stations["overflow"][:, columns].astype(np.float64)
    rng = scrape.rng(METRIC)
    failures = rng.poisson(failed * TICK) / TICK
    good = np.maximum(rate - failures, 0.0)
    latency = recording.stations["latency"][:, columns].astype(np.float64)
    spread = _SAMPLING / np.sqrt(np.maximum(rate * TICK, 1.0))
    latency = latency * np.exp(np.clip(spread * rng.standard_normal(rate.shape), -0.7, 0.7))
    yield from _buckets(scrape, good, latency, base, targets)
    codes = [
        ("200", good, latency),
        ("500", failures, latency),
        ("503", refused, np.full_like(latency, 0.002)),
    ]
    seen = [(code, number, seconds, _shown(code, number)) for code, number, seconds in codes]
    for code, number, _, shown in seen:
        values = scrape.count(METRIC + code, number[:, shown])
        yield from _coded(scrape, "_count", values, code, base, targets, shown)
    for code, number, seconds, shown in seen:
        values = scrape.counter(METRIC + code, (number * seconds)[:, shown])
        yield from _coded(scrape, "_sum", values, code, base, targets, shown)


def _shown(code: str, number: Array) -> np.ndarray:
    """Columns of a status code: rare codes only where they occurred."""
    return np.arange(number.shape[1]) if code != "503" else np.flatnonzero(number.any(axis=0))


def _coded(
    scrape: Scrape,
    suffix: str,
    values: Array,
    code: str,
    base: list[dict[str, str]],
    targets: list[str],
    shown: np.ndarray,
) -> Iterator[PromSeries]:
    labels = [{**base[n], "http_response_status_code": code} for n in shown]
    yield from scrape.series(METRIC + suffix, values, labels, counter=True, targets=[targets[n] for n in shown])


def _buckets(
    scrape: Scrape, good: Array, latency: Array, base: list[dict[str, str]], targets: list[str]
) -> Iterator[PromSeries]:
    for edge in (*BOUNDARIES, np.inf):
        below = good if np.isinf(edge) else good * (1.0 - tail(edge / latency))
        name = "+Inf" if np.isinf(edge) else str(edge)
        labels = [{**one, "http_response_status_code": "200", "le": name} for one in base]
        # The same concern for all buckets: they began together, so that they stay cumulative.
        values = scrape.count(METRIC + "200", below)
        yield from scrape.series(METRIC + "_bucket", values, labels, counter=True, targets=targets)
