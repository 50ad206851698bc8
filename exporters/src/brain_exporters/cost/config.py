"""Settings of the cost exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from brain_common.clients.prometheus import PrometheusSettings
from brain_common.serving.config import WebSettings
from brain_common.settings import Settings
from brain_exporters.runtime.aws import AwsSettings
from brain_exporters.runtime.config import ExporterSettings

PORT = 9853
CostType = Literal["unblended", "amortized", "net_unblended", "net_amortized", "blended"]
TagKey = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]{1,128}$")]


class CostExplorerSettings(Settings):
    """GetCostAndUsage by service and region, and by tags; 0.01 USD a request."""

    cost_types: tuple[CostType, ...] = Field(
        default=("unblended",), min_length=1, description="Kinds of amounts; all come with one request."
    )
    group_by: tuple[Literal["SERVICE"], Literal["REGION", "LINKED_ACCOUNT"]] = Field(
        default=("SERVICE", "REGION"), description="AWS takes two; LINKED_ACCOUNT for a payer's view of its members."
    )
    usage: bool = Field(default=True, description="Ask GetCostAndUsage; false where files tell the same for nothing.")
    tags: tuple[TagKey, ...] = Field(
        default=(), max_length=10, description="Cost allocation tags; each is a query of its own, by tag and service."
    )
    hourly: bool = Field(
        default=False,
        description="Also ask for the last two days by the hour; has to be opted into at AWS, which charges.",
    )
    forecast: bool = Field(default=True, description="Ask GetCostForecast for the rest of the month.")
    anomalies: bool = Field(default=False, description="Ask GetAnomalies of Cost Anomaly Detection.")
    refresh_seconds: float = Field(
        default=21_600, ge=600, description="Between two refreshes, in seconds; AWS' data lags by hours anyway."
    )
    requests_per_day: int = Field(
        default=50, ge=1, le=100_000, description="Paid requests a UTC day, all accounts together; then none is made."
    )


class BudgetsSettings(Settings):
    """AWS Budgets; asking is free."""

    refresh_seconds: float = Field(default=3_600, ge=60, description="Between two refreshes, in seconds.")


class FilesSettings(Settings):
    """FOCUS or CUR files, in a local folder or in S3."""

    folder: Path | None = Field(default=None, description="Local folder, read with those below it.")
    bucket: str | None = Field(
        default=None, pattern=r"^[a-z0-9.-]{3,63}$", description="S3 bucket, in place of folder."
    )
    prefix: str = Field(default="", max_length=512, description="In the bucket: only keys that begin so.")
    format: Literal["focus", "cur"] = Field(default="focus", description="focus: FOCUS 1.x; cur: CUR, legacy or 2.0.")
    tags: tuple[TagKey, ...] = Field(default=(), max_length=10, description="Tags that are kept.")
    refresh_seconds: float = Field(default=3_600, ge=10, description="Between two looks for newer files, in seconds.")
    max_file_bytes: int = Field(default=8 << 30, ge=1 << 10, description="A larger file, packed, is refused; bytes.")
    memory_bytes: int = Field(default=512 << 20, ge=64 << 20, description="Memory for reading, in bytes.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.folder is None) == (self.bucket is None):
            raise ValueError("give folder or bucket, one of them")
        return self


class WorkloadSettings(Settings):
    """What workloads have of their nodes' cost, by kube-state-metrics and cAdvisor in Prometheus."""

    prometheus: PrometheusSettings = Field(description="Where the utilization is.")
    node_prices: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="Price an hour by instance type, where no file tells a node's own cost."
    )
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="Of node_prices, ISO 4217.")
    cpu_weight: float = Field(
        default=0.5, ge=0, le=1, description="Part of a node's price that is for its CPU; the rest is for its memory."
    )
    request_rate_query: str = Field(
        default="", max_length=4_000, description="PromQL: requests a second by namespace and name (the workload's)."
    )
    selector: str = Field(default="", max_length=1_000, description='Label matchers of all series, as cluster="a".')
    refresh_seconds: float = Field(default=60, ge=5, description="Between two refreshes, in seconds.")


class CostSettings(ExporterSettings):
    """The whole file."""

    http: WebSettings = Field(default_factory=lambda: WebSettings(port=PORT))
    aws: AwsSettings = Field(default_factory=AwsSettings, description="Where AWS is and as whom it is asked.")
    cost_explorer: CostExplorerSettings | None = Field(default=None, description="Cost Explorer; not asked if absent.")
    budgets: BudgetsSettings | None = Field(default=None, description="AWS Budgets; not asked if absent.")
    files: FilesSettings | None = Field(default=None, description="FOCUS or CUR files; none are read if absent.")
    workloads: WorkloadSettings | None = Field(default=None, description="Cost of workloads; none if absent.")
    history_days: int = Field(
        default=42, ge=28, le=365, description="Days that are kept and compared for spikes; in days."
    )
    delay_hours: float = Field(
        default=24, ge=0, le=96, description="How long after its end a day's cost is still incomplete; in hours."
    )
    top: int = Field(
        default=200, ge=1, le=10_000, description="Series of one metric with labels of their own; the rest is 'other'."
    )
    entity_tag: TagKey | None = Field(
        default=None, description="Tag that names the service a cost is for, in the lake; else it is the account's."
    )

    @model_validator(mode="after")
    def _any(self) -> Self:
        if not any((self.cost_explorer, self.budgets, self.files, self.workloads)):
            raise ValueError("give cost_explorer, budgets, files or workloads; there is nothing to do")
        if self.files and self.cost_explorer and self.cost_explorer.usage and self.files.format == "cur":
            raise ValueError(
                "files of format cur and cost_explorer tell the same costs: set cost_explorer.usage: false"
            )
        return self

    def account_names(self) -> list[str]:
        """Of the accounts that are asked, as in messages and sources."""
        return [account.name or account.account_id for account in self.aws.accounts] or ["own"]

    def source_names(self) -> list[str]:
        """For ``<x>_source_up``."""
        names = []
        for kind, asked in (("cost-explorer", self.cost_explorer), ("budgets", self.budgets)):
            names += [f"{kind}:{account}" for account in self.account_names()] if asked else []
        return names + (["files"] if self.files else []) + (["workloads"] if self.workloads else [])
