"""Settings of the CloudTrail exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from brain_common.serving.config import WebSettings
from brain_common.settings import Settings
from brain_exporters.runtime.aws import AwsSettings
from brain_exporters.runtime.config import ExporterSettings

PORT = 9852


class SqsSettings(Settings):
    """Notifications about new files: from S3 directly, by SNS, or by EventBridge."""

    queue_url: str = Field(pattern="^https?://", description="Address of the queue.")
    wait_seconds: int = Field(default=20, ge=0, le=20, description="Seconds a poll waits for messages.")
    visibility_seconds: int = Field(
        default=300,
        ge=30,
        le=43200,
        description="Seconds for which a taken message is hidden; longer than one file takes.",
    )


class ListingSettings(Settings):
    """Looks for new files by listing the bucket, from where the last look ended."""

    prefixes: list[str] = Field(
        min_length=1,
        description="Folders of one account and region each, such as AWSLogs/123456789012/CloudTrail/eu-west-1/.",
    )
    interval_seconds: float = Field(default=300, ge=1, description="Seconds between two looks.")
    overlap: int = Field(
        default=1000, ge=0, description="Keys before the last one looked at again: files may arrive out of order."
    )


class LogsSettings(Settings):
    """A log group of CloudWatch that CloudTrail delivers to."""

    group: str = Field(min_length=1, description="Name of the log group.")
    interval_seconds: float = Field(default=60, ge=1, description="Seconds between two looks.")
    lookback_seconds: int = Field(
        default=900, ge=60, description="Seconds before the newest event that are read again: events arrive late."
    )


class LookupSettings(Settings):
    """LookupEvents, for accounts without a trail: 2 requests a second, management events of 90 days."""

    interval_seconds: float = Field(default=60, ge=1, description="Seconds between two looks.")
    lookback_seconds: int = Field(
        default=1800, ge=60, description="Seconds before the newest event that are read again: events arrive late."
    )
    requests_per_second: float = Field(default=2.0, gt=0, le=2.0, description="Limit of AWS for account and region.")


class DigestSettings(Settings):
    """Verifies digest files: hash chain, signatures, and the log files they name."""

    prefix: str = Field(min_length=1, description="Folder, such as AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/.")
    interval_seconds: float = Field(default=3600, ge=1, description="Seconds between two looks.")


class CloudTrailSettings(ExporterSettings):
    """Where records come from, and what is looked for in them."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="The listener.")
    aws: AwsSettings = Field(default=AwsSettings(), description="Where AWS is and as whom it is asked.")
    bucket: str = Field(default="", description="Bucket with the files; no other is ever read.")
    prefix: str = Field(default="", description="Only keys below it are read.")
    sqs: SqsSettings | None = Field(default=None, description="Read files that a queue tells of.")
    listing: ListingSettings | None = Field(default=None, description="Read files that a listing finds.")
    logs: LogsSettings | None = Field(default=None, description="Read a log group.")
    lookup: LookupSettings | None = Field(default=None, description="Ask LookupEvents.")
    digest: DigestSettings | None = Field(default=None, description="Verify digest files.")
    rules_file: Path | None = Field(default=None, description="YAML with rules besides the packaged ones.")
    most_inflated_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="Bytes of one file after inflation; a larger one is given up there."
    )
    remember: int = Field(
        default=8_000_000,
        ge=10_000,
        description="eventIDs remembered to find repetitions, 8 bytes of memory each; as many files again.",
    )
    quarantine: Path | None = Field(
        default=None, description="Folder for malformed records; quarantine next to the state file when absent."
    )
    quarantine_bytes: int = Field(
        default=16 << 20, ge=0, description="Bytes of malformed records kept; later ones are only counted."
    )

    @model_validator(mode="after")
    def _sources(self) -> Self:
        if not any((self.sqs, self.listing, self.logs, self.lookup, self.digest)):
            raise ValueError("give at least one of sqs, listing, logs, lookup, digest")
        if (self.sqs or self.listing or self.digest) and not self.bucket:
            raise ValueError("bucket: needed by sqs, listing and digest")
        if len(self.aws.accounts) > 1:
            raise ValueError("aws.accounts: at most one; an organization's trail delivers all accounts to one bucket")
        return self
