"""Settings of the copy to the lake."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brain_common.settings import Settings

MIB = 1 << 20


class LogCopySettings(Settings):
    """Which log records are copied."""

    min_severity: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] = Field(
        default="WARN", description="Records of this severity and above; one without a severity number is not copied."
    )


class TraceCopySettings(Settings):
    """Which traces are copied: those with an error, slow ones, and a few for comparison."""

    slow_seconds: float = Field(
        default=1.0, gt=0, le=86_400, description="A trace is slow when a server span or its first one takes longer."
    )
    keep_ratio: float = Field(
        default=0.001, ge=0, le=1, description="Share of all traces kept for comparison, drawn by their trace id."
    )
    wait_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Spans wait this long for an error in another span of their trace."
    )
    buffer_bytes: int = Field(
        default=16 * MIB, ge=MIB, le=1024 * MIB, description="Of spans that wait; when full, the oldest wait no longer."
    )
    most_traces: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description="Traces kept within twice `wait_seconds`, so that a storm of errors takes neither CPU nor lake.",
    )


class LakeCopySettings(Settings):
    """What is copied to the lake; nothing is where no `lake` is configured."""

    logs: LogCopySettings | None = Field(default=LogCopySettings(), description="Log records; `null` copies none.")
    traces: TraceCopySettings | None = Field(default=TraceCopySettings(), description="Spans; `null` copies none.")
    buffer_bytes: int = Field(
        default=8 * MIB, ge=MIB, le=1024 * MIB, description="Rows of one worker that wait for the side process."
    )
    backlog_bytes: int = Field(
        default=64 * MIB, ge=MIB, le=4096 * MIB, description="Rows that the side process keeps while the lake is away."
    )
    flush_seconds: float = Field(default=5.0, ge=0.1, le=300, description="Between two commits to the lake.")
