"""Settings of the cloudtrail exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from brain_common.settings import Settings
from brain_exporters.runtime.aws import AwsSettings
from brain_exporters.runtime.config import ExporterSettings, WebSettings

PORT = 9852


class QueueSettings(Settings):
    """S3's notifications of new files, in an SQS queue: the quick and cheap way."""

    queue_url: str = Field(description="URL of the queue; its messages may come directly, by SNS or by EventBridge.")
    bucket: str = Field(description="Only files of this bucket are read, whatever a message says.")
    prefix: str = Field(default="", description="Only keys that begin with this are read.")


class BucketSettings(Settings):
    """A bucket that is listed again and again: needs no queue."""

    bucket: str = Field(description="Name of the bucket.")
    prefix: str = Field(default="", description="What stands before AWSLogs/ in its keys.")
    interval_seconds: float = Field(default=60.0, ge=1, le=3600, description="Seconds between two listings.")
    days: int = Field(default=2, ge=1, le=90, description="How many days back files are looked for, today included.")


class LogGroupSettings(Settings):
    """A log group of CloudWatch Logs that the trail writes to."""

    log_group: str = Field(description="Name of the log group.")
    interval_seconds: float = Field(default=15.0, ge=1, le=3600, description="Seconds between two readings.")
    hours: float = Field(default=1.0, gt=0, le=24 * 14, description="How far back the first reading goes.")


class LookupSettings(Settings):
    """The event history, which every account has without a trail: management events, two requests a second."""

    regions: tuple[str, ...] = Field(default=(), description="Regions to ask; empty: that of `aws`.")
    interval_seconds: float = Field(default=60.0, ge=5, le=3600, description="Seconds between two readings.")
    hours: float = Field(default=1.0, gt=0, le=24 * 90, description="How far back the first reading goes.")


class DigestSettings(Settings):
    """Verify that no log file was changed or taken away, by CloudTrail's digest files."""

    bucket: str = Field(description="Bucket of the trail.")
    prefix: str = Field(default="", description="What stands before AWSLogs/ in its keys.")
    interval_seconds: float = Field(default=3600.0, ge=1, le=86400, description="Seconds between two verifications.")
    days: int = Field(default=2, ge=1, le=90, description="How many days back digests are verified, today included.")


class CloudTrailSettings(ExporterSettings):
    """The whole file; at least one source is named."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="Where /metrics is served.")
    aws: AwsSettings = Field(default_factory=AwsSettings, description="How AWS is reached.")
    queue: QueueSettings | None = Field(default=None, description="Files by notifications in SQS.")
    bucket: BucketSettings | None = Field(default=None, description="Files by listing a bucket.")
    log_group: LogGroupSettings | None = Field(default=None, description="Records of CloudWatch Logs.")
    lookup: LookupSettings | None = Field(default=None, description="Records of the event history.")
    digests: DigestSettings | None = Field(default=None, description="Verification of log files.")
    rules: Path | None = Field(
        default=None, description="YAML file of your rules for suspicious calls; a rule replaces one of the same name."
    )
    dedupe_hours: int = Field(
        default=24, ge=1, le=168, description="How long a record is recognised that comes again in another file."
    )
    keep_records: bool = Field(default=True, description="Keep each record as a whole in the lake.")
    state: Path = Field(
        default=Path("cloudtrail.state"), description="File of counters and positions; keep it across restarts."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.queue or self.bucket or self.log_group or self.lookup):
            raise ValueError("name a source: queue, bucket, log_group or lookup")
        return self
