"""Cost: what is spent, forecast and budgeted, where it jumps, and what workloads have of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain_exporters.cost.config import CostSettings
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context, ExporterKind

if TYPE_CHECKING:
    from brain_exporters.cost.collector import CostExporter


def _build(settings: CostSettings, context: Context) -> CostExporter:
    from brain_exporters.cost.collector import build  # late, so that the command line is quick

    return build(settings, context)


def _sources(settings: CostSettings) -> Sequence[str]:
    return settings.source_names()


KIND = ExporterKind(
    name="cost",
    prefix="cost",
    title="Cost",
    settings=CostSettings,
    counters=(
        CounterSpec(
            "cost_paid_requests", "Requests to Cost Explorer, counted before they are sent; 0.01 USD each.", ()
        ),
    ),
    sources=_sources,
    build=_build,
)
