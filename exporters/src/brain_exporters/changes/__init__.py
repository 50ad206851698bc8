"""Changes: deliveries of Argo CD, GitLab, GitHub, Terraform and others, and security events of Falco and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain_exporters.changes.config import ChangesSettings
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context, ExporterKind

if TYPE_CHECKING:
    from brain_exporters.changes.collector import ChangesExporter


def _build(settings: ChangesSettings, context: Context) -> ChangesExporter:
    from brain_exporters.changes.collector import build  # late, so that the command line is quick

    return build(settings, context)


def _sources(settings: ChangesSettings) -> Sequence[str]:
    """The APIs that are asked; who only sends has nothing that could be up."""
    asked = (("argocd-api", settings.argocd), ("gitlab-api", settings.gitlab))
    return [name for name, source in asked if source is not None and source.poll is not None]


KIND = ExporterKind(
    name="changes",
    prefix="changes",
    title="Changes and security events",
    settings=ChangesSettings,
    counters=(
        CounterSpec(
            "brain_changes",
            "States of changes that were told: deployments, syncs, pipelines, applies and others.",
            ("source", "kind", "result"),
        ),
        CounterSpec(
            "brain_security_events",
            "Security events that were told, by the rule that matched.",
            ("source", "rule", "severity"),
        ),
        CounterSpec("changes_requests", "Deliveries, by what became of them.", ("source", "outcome")),
        CounterSpec("changes_annotations", "Grafana annotations, by what became of them.", ("result",)),
    ),
    sources=_sources,
    build=_build,
)
