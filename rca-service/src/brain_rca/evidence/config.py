"""Settings of the evidence: the places to read from, of which at least one has signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from brain_common.clients.jaeger import JaegerSettings
from brain_common.clients.prometheus import PrometheusSettings
from brain_common.clients.tempo import TempoSettings
from brain_common.settings import Settings
from brain_lake.config import LakeSettings
from brain_rca.evidence.elasticsearch import ElasticsearchSettings
from brain_rca.evidence.loki import LokiSettings


class EvidenceSettings(Settings):
    """Where signals are read."""

    prometheus: PrometheusSettings | None = Field(
        default=None, description="Any Prometheus-compatible server: Prometheus, Thanos, Mimir."
    )
    lake: LakeSettings | None = Field(
        default=None,
        description="The lake: signals in embedded mode; events, changes, logs, traces beside a server.",
    )
    loki: LokiSettings | None = Field(default=None, description="Log lines of what deviates, from Loki.")
    elasticsearch: ElasticsearchSettings | None = Field(
        default=None, description="Log lines of what deviates, from Elasticsearch or OpenSearch."
    )
    miner: str = Field(default="drain", description="Plug-in that turns log lines into templates.")
    catalogues: Sequence[Path] = Field(
        default=(), description="YAML files with further signals; one of the same name replaces the built-in."
    )
    tempo: TempoSettings | None = Field(
        default=None, description="Grafana Tempo: traces of what deviates and of its neighbours."
    )
    jaeger: JaegerSettings | None = Field(
        default=None, description="A Jaeger query service: traces of what deviates and of its neighbours."
    )
    most_traces: int = Field(
        default=240,
        ge=24,
        le=5000,
        description="Traces read for one judgement, about: half of them before the window. More take longer, and tell "
        "rarer things.",
    )
    declared_edges: Sequence[Path] = Field(
        default=(), description="YAML files with dependencies that nothing measures."
    )
    deadline_seconds: float = Field(
        default=40.0, gt=0, le=300, description="For all signals together; what is late is named as missing."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.prometheus is None and self.lake is None:
            raise ValueError("give prometheus (a server), lake (a folder or a bucket), or both")
        return self
