"""What the processor shows of itself: metrics, health, readiness, and a page that links them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector

from brain_common.serving.exposition import encode
from brain_common.serving.metrics_app import Health, metrics_app
from brain_common.serving.web import serving_web
from brain_otel.config import MetricsSettings


def own_registry() -> CollectorRegistry:
    """With what every process tells."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    build = Gauge("brain_otel_build_info", "Version; always 1.", ["version"], registry=registry)
    build.labels(version("ai-devops-brain")).set(1)
    return registry


@contextlib.asynccontextmanager
async def serving_face(registry: CollectorRegistry, settings: MetricsSettings, health: Health) -> AsyncIterator[str]:
    """Serve it while the block runs; yields the URL.

    Raises:
        ConfigError: The address cannot be bound, or a file cannot be used.
    """
    app = metrics_app("OTLP processor", health, lambda accept: encode(accept, registry))
    async with serving_web(app, settings, "metrics") as url:
        yield url
