"""Settings every exporter has; each exporter's own ``config.py`` adds its source's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from brain_common.serving.config import WebSettings
from brain_common.settings import Settings
from brain_lake.config import LakeSettings, UpkeepSettings


class ExporterSettings(Settings):
    """What all exporters can be told; an exporter sets the default of ``http`` to its own port."""

    @model_validator(mode="before")
    @classmethod
    def _own_port(cls, data: Any) -> Any:  # noqa: ANN401 - as the file has it
        """``http`` without a port means the exporter's own."""
        own = cls.model_fields["http"].get_default(call_default_factory=True, validated_data={})
        http = data.get("http") if isinstance(data, dict) else None
        if isinstance(http, dict) and "port" not in http and isinstance(own, WebSettings):
            return {**data, "http": {**http, "port": own.port}}
        return data

    cluster: str = Field(default="", description="Name of the cluster or environment; first part of every entity.")
    http: WebSettings
    state: Path = Field(
        description="File where counters and positions are kept, so that a restart loses and repeats nothing."
    )
    lake: LakeSettings | None = Field(default=None, description="Where full events go; none are kept when absent.")
    lake_backlog_bytes: int = Field(
        default=256 << 20,
        ge=1 << 20,
        description="Rows kept in the state file while the lake is away; when full, the source is not read on.",
    )
    lake_upkeep: UpkeepSettings = Field(
        default_factory=UpkeepSettings, description="How the lake is kept quick and small in the background."
    )
    max_series: int = Field(
        default=100_000,
        ge=100,
        description="Series of one counter; what comes after is counted in the series whose labels are all 'other'.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR."
    )
