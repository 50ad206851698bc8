"""Kubernetes events as counters that lose no repeats, the state that explains them, and both in the lake."""

from __future__ import annotations

from typing import Final

from brain_exporters.kube_events.collector import build, sources
from brain_exporters.kube_events.config import KubeEventsSettings
from brain_exporters.kube_events.watch import counters
from brain_exporters.runtime.exporter import ExporterKind

KIND: Final = ExporterKind(
    name="kube-events",
    prefix="kube_events",
    title="Kubernetes events",
    settings=KubeEventsSettings,
    counters=counters,
    sources=sources,
    build=build,
    lake_seconds=1.0,
)
