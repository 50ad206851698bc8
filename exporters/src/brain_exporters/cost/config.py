"""Settings of the cost exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from brain_common.clients.prometheus import PrometheusSettings
from brain_common.settings import Settings
from brain_exporters.runtime.aws import AwsSettings
from brain_exporters.runtime.config import ExporterSettings, WebSettings

PORT = 9853
CostType = Literal["UnblendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost", "BlendedCost"]


_REQUESTS = (
    'sum by (namespace, workload) (label_replace(label_replace(rate(istio_requests_total{reporter="source"}[5m]), '
    '"namespace", "$1", "destination_workload_namespace", "(.*)"), "workload", "$1", "destination_workload", "(.*)"))'
)


class CostExplorerSettings(Settings):
    """Cost Explorer: 0.01 USD a request; two requests a reading, and one more for each tag and the forecast."""

    interval_hours: float = Field(
        default=8.0, ge=0.001, le=48, description="Hours between two readings; AWS refreshes about three times a day."
    )
    days: int = Field(default=35, ge=8, le=365, description="Days that are read: spikes need five weeks.")
    cost_types: tuple[CostType, ...] = Field(
        default=("UnblendedCost", "AmortizedCost"),
        min_length=1,
        description="Metrics of Cost Explorer, all in one request.",
    )
    tags: tuple[str, ...] = Field(
        default=(), max_length=8, description="Keys of cost allocation tags; each is a request more."
    )
    forecast: bool = Field(default=True, description="Ask for the forecast to the end of the month.")
    hourly: bool = Field(
        default=False, description="Also the last two days by the hour; must be opted into in the AWS console."
    )
    requests_per_day: int = Field(
        default=50, ge=1, le=10_000, description="No more requests than this a day (UTC), whatever happens."
    )


class BudgetSettings(Settings):
    """AWS Budgets; its API is free."""

    interval_minutes: float = Field(default=60.0, ge=0.01, le=1440, description="Minutes between two readings.")


class AnomalySettings(Settings):
    """Cost Anomaly Detection; counts against the requests of Cost Explorer."""

    interval_hours: float = Field(default=8.0, ge=0.001, le=48, description="Hours between two readings.")
    days: int = Field(default=7, ge=1, le=90, description="How far back anomalies are shown.")


class ExportSettings(Settings):
    """Files of FOCUS or of Cost and Usage Reports, CSV (also gzipped) or Parquet: nothing is paid for reading them."""

    path: Path | None = Field(default=None, description="Folder on this machine.")
    bucket: str | None = Field(default=None, description="Bucket of the export.")
    prefix: str = Field(default="", description="What its keys begin with.")
    interval_minutes: float = Field(default=60.0, ge=0.01, le=1440, description="Minutes between two readings.")
    days: int = Field(default=35, ge=8, le=365, description="Days that are kept: spikes need five weeks.")
    tags: tuple[str, ...] = Field(default=(), max_length=8, description="Keys of tags that amounts are also split by.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.bucket is None):
            raise ValueError("give path or bucket, one of them")
        return self


class UtilizationSettings(Settings):
    """What workloads use, from Prometheus, to split the cost of nodes."""

    prometheus: PrometheusSettings = Field(description="Where kube-state-metrics and cAdvisor are.")
    interval_seconds: float = Field(default=300.0, ge=5, le=86400, description="Seconds between two readings.")
    node_prices: dict[str, float] = Field(
        default_factory=dict, description="Price of a node by instance type, in currency per hour."
    )
    default_node_price: float | None = Field(
        default=None, ge=0, description="Price of a node whose type is not named, per hour; left out when absent."
    )
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="Currency of the prices.")
    requests: str = Field(
        default=_REQUESTS,
        description="PromQL: requests a second by namespace and workload, for the cost of one.",
    )


class SpikeSettings(Settings):
    """When a day of a service is unusual, against the days before and the same weekdays."""

    delay_hours: float = Field(
        default=24.0, ge=0, le=96, description="A day is judged this long after its end: AWS brings costs late."
    )
    score: float = Field(default=4.0, ge=2, le=20, description="Deviations from the usual that count as a spike.")
    least_amount: float = Field(default=5.0, ge=0, description="Smallest excess that counts, in currency.")


class CostSettings(ExporterSettings):
    """The whole file; at least one source is named."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="Where /metrics is served.")
    aws: AwsSettings = Field(default_factory=AwsSettings, description="How AWS is reached.")
    cost_explorer: CostExplorerSettings | None = Field(default=None, description="Amounts by Cost Explorer.")
    export: ExportSettings | None = Field(default=None, description="Amounts by files of FOCUS or CUR.")
    budgets: BudgetSettings | None = Field(default=None, description="AWS Budgets.")
    anomalies: AnomalySettings | None = Field(default=None, description="AWS' own anomaly detection.")
    utilization: UtilizationSettings | None = Field(default=None, description="Cost of workloads.")
    spikes: SpikeSettings = Field(default_factory=SpikeSettings, description="Detection of spikes.")
    entities: dict[str, str] = Field(
        default_factory=dict,
        description="Tag values to entities: 'team=payments' to 'payments/workload/api' (namespace/kind/name).",
    )
    state: Path = Field(default=Path("cost.state"), description="File of readings; keep it across restarts.")

    @field_validator("entities")
    @classmethod
    def _entities(cls, entities: dict[str, str]) -> dict[str, str]:
        for tag, entity in entities.items():
            if "=" not in tag or entity.count("/") != 2:
                raise ValueError(f"{tag!r}: expected 'key=value' to 'namespace/kind/name'")
        return entities

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.cost_explorer or self.export or self.budgets or self.anomalies or self.utilization):
            raise ValueError("name a source: cost_explorer, export, budgets, anomalies or utilization")
        if self.cost_explorer and self.export:
            raise ValueError("give cost_explorer or export: both tell the same amounts")
        return self
