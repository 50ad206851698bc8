"""The configuration file of the service, as a whole. Each part's settings live with the part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from brain_common.serving.config import CallerSettings, ListenSettings
from brain_common.settings import Settings
from brain_rca.analysis.worker import AnalysisSettings
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.intake.timing import IntakeSettings
from brain_rca.publish.config import PublishConfig
from brain_rca.scope.alerting import ScopeSettings


class HttpListen(ListenSettings):
    """Webhook, incident pages and metrics."""

    port: int = Field(default=8088, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class GrpcListen(ListenSettings):
    """The gRPC API."""

    port: int = Field(default=50051, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class StoreSettings(Settings):
    """Where incidents are kept: exactly one of the two."""

    sqlite: Path | None = Field(default=None, description="File of the embedded store; one process only.")
    postgres: SecretStr | None = Field(
        default=None, description="Connection string of PostgreSQL; any number of replicas."
    )
    retention_days: float = Field(default=400.0, gt=0, description="Resolved incidents are deleted after this.")

    @field_validator("sqlite")
    @classmethod
    def _a_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.name:  # "." and "/"
            raise ValueError("give a file, not a folder")
        return path

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sqlite is None) == (self.postgres is None):
            raise ValueError("give either sqlite (a file) or postgres (a connection string)")
        return self


class AuditSettings(Settings):
    """The log of decisions."""

    anchor_file: Path | None = Field(
        default=None,
        description="The newest entry's digest is appended here; on another volume it shows a truncated log.",
    )


class RcaSettings(Settings):
    """Everything ``brain rca serve --config FILE`` reads."""

    cluster: str = Field(
        default="",
        description="Name of this cluster where alerts and series do not say; external labels are not on local series.",
    )
    external_url: HttpUrl | None = Field(
        default=None,
        description="Address of this service for people, in links; the listening address when absent.",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged.")
    http: HttpListen = Field(default=HttpListen(), description="Webhook, pages, metrics.")
    grpc: GrpcListen | None = Field(default=GrpcListen(), description="gRPC API; null switches it off.")
    callers: Sequence[CallerSettings] = Field(
        default=(),
        description="Who may post notifications, call gRPC and say what a cause was; empty: anybody who can reach the "
        "port, and nobody says what a cause was.",
    )
    intake: IntakeSettings = Field(default=IntakeSettings(), description="Taking in notifications.")
    scope: ScopeSettings = Field(default=ScopeSettings(), description="From alert labels to entities.")
    evidence: EvidenceSettings = Field(description="Where signals are read.")
    analysis: AnalysisSettings = Field(default=AnalysisSettings(), description="The judgement.")
    proposals: Path | None = Field(
        default=None,
        description="YAML that adds to or replaces the built-in proposals, for faults or for kinds of change.",
    )
    publish: PublishConfig = Field(default=PublishConfig(), description="Who is told.")
    store: StoreSettings = Field(description="Where incidents are kept.")
    audit: AuditSettings = Field(default=AuditSettings(), description="The log of decisions.")
