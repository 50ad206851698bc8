"""Where the lake is, and how it is kept small."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_lake.names import TABLE_NAMES


class S3Settings(Settings):
    """A bucket of S3, or of a server that speaks S3 and knows conditional writes (`If-None-Match`)."""

    bucket: str = Field(
        min_length=3, max_length=63, pattern=r"^[a-z0-9][a-z0-9.-]*$", description="Name of the bucket."
    )
    prefix: str = Field(
        default="", max_length=512, description="Folder within the bucket; the bucket itself when left out."
    )
    region: str = Field(default="us-east-1", min_length=1, description="Region of the bucket.")
    endpoint_url: HttpUrl | None = Field(
        default=None,
        description="Another server than AWS, or an endpoint of a VPC. Only with http:// there is no TLS.",
    )
    virtual_hosted_style: bool = Field(
        default=False, description="The bucket is part of the host name, where a server wants that."
    )
    access_key_id: SecretStr | None = Field(
        default=None,
        description="With `secret_access_key`. Without: environment, role of the service account or machine.",
    )
    secret_access_key: SecretStr | None = Field(default=None, description="Only with `access_key_id`.")
    session_token: SecretStr | None = Field(default=None, description="Of temporary credentials.")
    kms_key_id: str | None = Field(
        default=None, min_length=1, description="KMS key with which every object is encrypted (SSE-KMS): its ARN or id."
    )
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="For one request.")
    retry_seconds: float = Field(default=60.0, gt=0, le=600, description="For one request with all its retries.")

    @field_validator("prefix")
    @classmethod
    def _folder(cls, prefix: str) -> str:
        parts = [part for part in prefix.split("/") if part]
        if any(part in (".", "..") for part in parts):
            raise ValueError("a prefix has no . and no .. in it")
        return "/".join(parts)

    @model_validator(mode="after")
    def _both_keys(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("give access_key_id and secret_access_key together, or neither")
        if self.session_token and not self.access_key_id:
            raise ValueError("session_token goes with access_key_id and secret_access_key")
        return self


class LakeSettings(Settings):
    """A local folder, or a bucket."""

    path: Path | None = Field(default=None, description="Folder of the lake; made when it is not there. This or `s3`.")
    s3: S3Settings | None = Field(default=None, description="Bucket of the lake. This or `path`.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.s3 is None):
            raise ValueError("give either path (a folder) or s3 (a bucket)")
        if self.path is not None and "%" in str(self.path):
            raise ValueError("path must not contain %, which deltalake would decode")
        return self


class UpkeepSettings(Settings):
    """How the lake is kept quick and small."""

    interval_seconds: float = Field(
        default=300.0, ge=1, le=86400, description="Between two rounds; drawn up to a fifth longer."
    )
    closed_after_seconds: float = Field(
        default=600.0, ge=0, le=86400, description="An hour is compacted when it is over for this long."
    )
    compact_days: int = Field(
        default=3, ge=1, le=400, description="Only hours as young as this are compacted in the background."
    )
    keep_files_hours: float = Field(
        default=24.0,
        ge=1,
        le=8760,
        description="Files that are no longer of the table stay this long, for readers that have begun.",
    )
    retention_days: int = Field(default=30, ge=1, le=3650, description="Older dates are deleted.")
    retention_days_of: Mapping[str, int] = Field(default={}, description="Other days for a table, by its name.")

    @field_validator("retention_days_of")
    @classmethod
    def _known(cls, days: Mapping[str, int]) -> Mapping[str, int]:
        if unknown := sorted(set(days) - set(TABLE_NAMES)):
            raise ValueError(f"no such table: {', '.join(unknown)}; there are {', '.join(TABLE_NAMES)}")
        if any(not 1 <= count <= 3650 for count in days.values()):
            raise ValueError("days must be 1 to 3650")
        return days

    def days_of(self, table: str) -> int:
        """Days that a table is kept."""
        return self.retention_days_of.get(table, self.retention_days)


class LakeFile(Settings):
    """What ``brain lake`` reads of a configuration file."""

    lake: LakeSettings
    lake_upkeep: UpkeepSettings = UpkeepSettings()


def load_lake_file(path: Path) -> LakeFile:
    """The lake of any configuration file of the product; its other sections are not looked at.

    Raises:
        ConfigError: It cannot be read, names no lake, or a key of these sections is wrong.
    """
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected keys and values at the top, found {type(data).__name__}")
    found = {name: data[name] for name in LakeFile.model_fields if name in data}
    evidence = data.get("evidence")
    if "lake" not in found and isinstance(evidence, dict) and evidence.get("lake"):
        found["lake"] = evidence["lake"]
    if "lake" not in found:
        raise ConfigError(f"{path}: has no section lake, nor evidence.lake")
    return check_settings(found, LakeFile, str(path))
