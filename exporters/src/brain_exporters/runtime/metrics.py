"""A scrape but for the counters: the exporter's families, those all exporters have, and how long they took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from brain_exporters.runtime.exporter import Context, Exporter


class ScrapeCollector(Collector):
    """Registered once; asked at each scrape."""

    def __init__(self, prefix: str, exporter: Exporter, context: Context) -> None:
        self._prefix = prefix
        self._exporter = exporter
        self._context = context

    def describe(self) -> list[Metric]:
        """Nothing: the names are known from the exporter's documentation, and asking at registration is early."""
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.perf_counter()
        families = [*self._context.health.collect(), *self._exporter.collect()]
        seconds = time.perf_counter() - began  # before the encoder pulls: it works between two families
        yield from families
        yield GaugeMetricFamily(
            f"{self._prefix}_lake_waiting_bytes",
            "Size of the rows that the lake has not taken yet.",
            value=self._context.ledger.waiting_bytes,
        )
        build = GaugeMetricFamily(f"{self._prefix}_build_info", "Version; always 1.", labels=["version"])
        build.add_metric([version("ai-devops-brain")], 1)
        yield build
        yield GaugeMetricFamily(
            f"{self._prefix}_scrape_duration_seconds",
            "Time to collect this scrape's samples.",
            value=seconds,
        )


def registry(prefix: str, exporter: Exporter, context: Context) -> CollectorRegistry:
    """All there is to scrape, with the process's own."""
    made = CollectorRegistry(auto_describe=False)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=made)
    made.register(ScrapeCollector(prefix, exporter, context))
    return made
